"""The letters that identity writes, in the reader's language."""

from typing import Final

from domain.identity.rules.addressee import Addressee
from domain.identity.rules.one_time import LASTS
from domain.kernel.ports import Mail

SUBJECTS: Final = {"en": "Choose a new password", "ru": "Выберите новый пароль"}
TEXTS: Final = {
    "en": """Hello {name},

choose a password for your Gatehouse account here within {minutes} minutes:

{link}

The link works once. If you did not ask for it, do nothing: your password stays as it is.
""",
    "ru": """Здравствуйте, {name}!

Выберите пароль для вашей учётной записи Gatehouse по этой ссылке в течение {minutes} минут:

{link}

Ссылка действует один раз. Если вы её не запрашивали, ничего не делайте: пароль останется прежним.
""",
}


def password_reset(reader: Addressee, *, token: str, public_url: str, key: str) -> Mail:
    """Return the letter that brings a token to choose a password with.

    The token stands behind ``#``, which browsers send to no server and to no next page.
    """
    language = reader.locale if reader.locale in TEXTS else "en"
    return Mail(
        to=reader.email,
        subject=SUBJECTS[language],
        text=TEXTS[language].format(
            name=reader.name,
            minutes=int(LASTS["password-reset"].total_seconds() // 60),
            link=f"{public_url}/app/reset-password#token={token}",
        ),
        key=f"password-reset-{key}",
    )
