"""What the domain asks of the outside world; adapters implement it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from domain.kernel.hubs import HubsView


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


class HubsPort(Protocol):
    """Knows what the hubs of the house do."""

    def seen(self) -> HubsView:
        """Return what was last seen, from memory."""


class Ports(msgspec.Struct, frozen=True):
    """Every port, for jobs; operations call none that waits, since no connection is held while the world is slow."""

    mail: MailPort
    hubs: HubsPort | None = None
    """None in processes that serve nobody."""
