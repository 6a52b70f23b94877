"""What an account's names look like."""

import re
import unicodedata

from email_validator import EmailNotValidError, validate_email

from domain.kernel.errors import DomainError, FieldProblem, Invalid

USERNAME = re.compile(r"\w[\w.-]{0,63}")


class Taken(DomainError):
    """Another account has this e-mail or username."""

    code, status, title = "taken", 409, "Another account has it already"

    @classmethod
    def field(cls, field: str, problem: str) -> "Taken":
        """Refuse one field."""
        return cls(f"{field}: {problem}", errors=[FieldProblem(field, problem)])


class LastAdmin(DomainError):
    """Without an admin nobody could make one."""

    code, status, title = "last_admin", 409, "Somebody has to remain admin"


def email_to_keep(email: str) -> str:
    """Return the one spelling under which an address is kept.

    Raises:
        Invalid: It is no e-mail address.
    """
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise Invalid.field("email", str(error)) from error


def email_to_look_up(email: str) -> str:
    """Return the spelling to look an address up by; what could never be kept is looked up in vain."""
    try:
        return email_to_keep(email)
    except Invalid:
        return email.strip().lower()


def username_to_keep(username: str) -> str:
    """Return the username in its composed form.

    Raises:
        Invalid: It has other characters than letters, digits, ``.``, ``_`` and ``-``, or more than 64.
    """
    composed = unicodedata.normalize("NFC", username)
    if not USERNAME.fullmatch(composed):
        raise Invalid.field(
            "username", "has 1 to 64 letters, digits, '.', '_' or '-', and begins with no '.' or '-'"
        )
    return composed


def name_to_keep(field: str, name: str) -> str:
    """Return a person's name without spaces around it.

    Raises:
        Invalid: It holds characters that cannot be printed, which could break a letter's header.
    """
    composed = unicodedata.normalize("NFC", name.strip())
    if not composed.isprintable():
        raise Invalid.field(field, "holds characters that cannot be printed")
    return composed


def display_name(first_name: str, last_name: str, username: str) -> str:
    """Return how a person is called on screens and in letters."""
    return f"{first_name} {last_name}".strip() or username
