"""The seam between hubs: what a broker of channels must do, in memory or in Redis.

1. Publishing and remembering are one atomic act per channel, so deliveries come in the order of their offsets.
2. Deliveries come to the one listener of this process, and only for channels it follows.
3. A broker that may have lost deliveries says so (`missed`) before it delivers anything newer.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from msgspec import Struct

from channels.protocol.messages import ClientInfo
from channels.stream import Delivery, History, HistoryPolicy, Joined, Left, Position

IDEMPOTENCY_S: Final = 300.0


class Patience(Struct, frozen=True, kw_only=True):
    """How long a broker keeps what nobody renews."""

    presence_s: float = 60.0
    """A follower who is not confirmed this long is gone."""
    top_s: float = 30 * 24 * 3600.0
    """A channel that is neither read nor written this long forgets its epoch and top offset."""


class Listener(Protocol):
    """Who takes deliveries in this process; both methods are quick and never wait."""

    def deliver(self, channel: str, delivery: Delivery) -> None:
        """Take one delivery of a followed channel."""

    def missed(self) -> None:
        """Learn that deliveries of any followed channel may have been lost until now."""


class BrokerUnavailable(Exception):
    """The broker cannot be reached now; what was asked was not done, or not known to be done."""


class Broker(Protocol):
    """Publish, follow, history and presence over all processes that share it."""

    def attach(self, listener: Listener) -> None:
        """Say who takes deliveries; once, before `run`."""

    async def run(self) -> None:
        """Keep deliveries coming until cancelled."""

    async def close(self) -> None:
        """Let go of connections."""

    async def publish(
        self,
        channel: str,
        data: bytes,
        *,
        history: HistoryPolicy | None = None,
        key: str | None = None,
        tags: dict[str, str] | None = None,
        info: ClientInfo | None = None,
    ) -> Position:
        """Publish and, with ``history``, remember; a ``key`` seen within five minutes does nothing again."""

    async def announce(self, channel: str, event: Joined | Left) -> None:
        """Tell followers who joined or left."""

    async def follow(self, channel: str) -> None:
        """Return once deliveries of the channel come to this process; any number of calls is one wish."""

    def unfollow(self, channel: str) -> None:
        """Wish no more deliveries of the channel."""

    async def history(
        self, channel: str, *, since: Position | None = None, limit: int = 0, reverse: bool = False
    ) -> History:
        """Read publications after ``since`` (before it in reverse, newest first), and the top, at one moment."""

    async def arrive(self, channel: str, info: ClientInfo) -> None:
        """Enter or confirm a follower's presence."""

    async def leave(self, channel: str, client: str) -> None:
        """End a follower's presence."""

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        """Return who is present, by client id."""
