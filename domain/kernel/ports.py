"""What the domain asks of the outside world; adapters implement it."""

from typing import Protocol

import msgspec


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One letter, in plain text."""

    to: str
    subject: str
    text: str
    key: str


class MailPort(Protocol):
    """Sends letters."""

    async def send(self, mail: Mail) -> None:
        """Hand a letter over for delivery; ``key`` becomes its Message-ID, so that a repeat can be recognised."""


class Ports(msgspec.Struct, frozen=True):
    """Every port, for jobs; operations never call one, since no connection is held while the world is slow."""

    mail: MailPort
