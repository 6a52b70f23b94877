"""What a connection asks of the application it serves: who is this, what may they follow, what do they see first.

Refusals are raised as `ProtocolError` (the command is refused) or `Disconnect` (the connection ends); anything else
that is raised is a defect: it is logged and told as error 100.
"""

from typing import Any, Protocol

from msgspec import Struct

from channels.stream import HistoryPolicy


class Identity(Struct, frozen=True, kw_only=True):
    """Who is connected."""

    user: str
    """Empty for an anonymous one."""
    session: str = ""
    """The login this connection belongs to, so that its end can end the connection."""
    expires_at: float | None = None
    """Unix seconds after which a new token is needed; None is never."""
    info: bytes | None = None
    """Raw JSON that others see in presence, join and leave."""
    channels: tuple[str, ...] = ()
    """Followed from the start without being asked for, such as the personal channel."""
    data: bytes | None = None
    """Raw JSON for the connect reply."""
    key: Any = None  # the application's own caller; the fabric hands it back and never looks inside


class Opening(Struct, frozen=True, kw_only=True):
    """The right to follow one channel, and what comes with it."""

    history: HistoryPolicy | None = None
    """Set, the channel is positioned and recoverable and its history may be read."""
    presence: bool = False
    join_leave: bool = False
    expires_at: float | None = None
    """Unix seconds after which a new token for the channel is needed; None is never."""
    info: bytes | None = None
    """Raw JSON that others in this channel see in presence, join and leave."""


class Host(Protocol):
    """The application behind the connections."""

    async def connect(self, token: str, data: bytes) -> Identity:
        """Tell who brings this token; 109 for one that has expired, `Disconnect` 3500 for one that is not ours."""

    async def refresh(self, identity: Identity, token: str) -> Identity:
        """Tell who brings this new token; the user must be the same."""

    async def may(self, identity: Identity, channel: str, token: str) -> Opening:
        """Grant following a channel, or raise 102 or 103."""

    async def first(self, identity: Identity, channel: str) -> bytes | None:
        """Return the channel's first view as raw JSON; not asked where the position was recovered.

        It is computed after the position was read, so it may already hold what is published next: readers keep the
        highest version of a key.
        """

    async def call(self, identity: Identity, method: str, data: bytes) -> bytes:
        """Run a procedure on raw JSON (`{}` where the client sent none) and return raw JSON."""
