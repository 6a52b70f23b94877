"""What a new password must be, after OWASP ASVS 5.0, 6.2: long enough, not among the commonest, no other rules."""

import unicodedata
from collections.abc import Iterable

from domain.identity.rules.common_passwords import COMMON
from domain.kernel.errors import Invalid

SHORTEST = 8
LONGEST = 128


def canonical(password: str) -> str:
    """Return the one form of a password that keyboards may spell in several (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def password_to_keep(password: str, *, personal: Iterable[str], production: bool) -> str:
    """Return a new password in the form to hash. ``personal`` is what anybody would try first for this account.

    Raises:
        Invalid: It is too short, too long, the account's own name, or (in production) one of the commonest.
    """
    chosen = canonical(password)
    if not SHORTEST <= len(chosen) <= LONGEST:
        raise Invalid.field("password", f"has {SHORTEST} to {LONGEST} characters")
    if chosen.casefold() in {canonical(word).casefold() for word in personal}:
        raise Invalid.field("password", "must not be the account's own name or e-mail")
    if production and chosen.casefold() in COMMON:
        raise Invalid.field("password", "is one of the commonest passwords; choose another")
    return chosen
