"""What the domain asks of the outside world; adapters implement it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file that goes with a letter."""

    name: str
    media_type: str
    content: bytes


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One letter, in plain text."""

    to: str
    subject: str
    text: str
    key: str
    attachments: Sequence[Attachment] = ()


class Undeliverable(Exception):
    """A letter that would be refused again however often it were sent."""


class MailPort(Protocol):
    """Sends letters."""

    async def send(self, mail: Mail) -> None:
        """Hand a letter over for delivery; ``key`` becomes its Message-ID, so that a repeat can be recognised.

        Raises:
            Undeliverable: Its address or content was refused for good; any other failure may pass.
        """


class Ports(msgspec.Struct, frozen=True):
    """Every port, for jobs; operations never call one, since no connection is held while the world is slow."""

    mail: MailPort
