"""The seam between hubs: what a broker of channels must do, in memory or in Redis.

1. Publishing and remembering are one atomic act per channel, so deliveries come in the order of their offsets.
2. Deliveries come to the one listener of this process, and only for channels it follows.
3. A broker that may have lost deliveries says so (`missed`) before it delivers anything newer.
4. A publication is delivered at most once; one that was brought with a key may be brought again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Final, Protocol

from msgspec import Struct

from channels.protocol.messages import ClientInfo
from channels.stream import Delivery, History, HistoryPolicy, Joined, Left, Position, Version

IDEMPOTENCY_S: Final = 300.0


class Patience(Struct, frozen=True, kw_only=True):
    """How long a broker keeps what nobody renews."""

    presence_s: float = 60.0
    """A follower who is not confirmed this long is gone."""
    top_s: float = 30 * 24 * 3600.0
    """A channel that is neither read nor written this long forgets its epoch, top offset and version."""


class Outgoing(Struct, frozen=True, kw_only=True):
    """What is to be published on one channel."""

    channel: str
    data: bytes
    history: HistoryPolicy | None = None
    """Set, the publication is numbered and remembered so long."""
    key: str | None = None
    """Seen on this channel within five minutes, nothing is done again."""
    version: Version | None = None
    tags: dict[str, str] | None = None
    info: ClientInfo | None = None
    """The client in whose name it is published."""


class Outcome(Enum):
    """What became of a publication."""

    PUBLISHED = "published"
    REPEATED = "repeated"
    """Its key was seen, so the first one counts."""
    OUTDATED = "outdated"
    """The channel already shows this version or a newer one."""


class Published(Struct, frozen=True):
    """Where a publication stands; where a repeated one's first stands; for an outdated one, the top."""

    offset: int
    epoch: str
    outcome: Outcome = Outcome.PUBLISHED

    @property
    def position(self) -> Position:
        """The place in the stream; offset 0 without history."""
        return Position(self.offset, self.epoch)


class Attendance(Struct, frozen=True):
    """How many follow a channel with presence."""

    clients: int
    users: int


class Listener(Protocol):
    """Who takes deliveries in this process; both methods are quick and never wait."""

    def deliver(self, channel: str, delivery: Delivery) -> None:
        """Take one delivery of a followed channel."""

    def missed(self, channels: Collection[str] | None = None) -> None:
        """Learn that deliveries of these channels, or of any followed one, may have been lost until now."""


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
        version: Version | None = None,
        tags: dict[str, str] | None = None,
        info: ClientInfo | None = None,
    ) -> Published:
        """Publish on one channel; the members are those of `Outgoing`."""

    async def publish_many(self, publications: Sequence[Outgoing]) -> list[Published]:
        """Publish all at once, each by itself: where some fail this raises, and others may have been published."""

    async def announce(self, channel: str, event: Joined | Left) -> None:
        """Tell followers who joined or left."""

    async def follow(self, channel: str) -> None:
        """Return once deliveries of the channel come to this process; any number of calls is one wish."""

    def unfollow(self, channel: str) -> None:
        """Wish no more deliveries of the channel."""

    async def followed(self, pattern: str = "*") -> set[str]:
        """Return the channels that any process follows now; `*` stands for any text, `?` for one character."""

    async def history(
        self, channel: str, *, since: Position | None = None, limit: int = 0, reverse: bool = False
    ) -> History:
        """Read publications after ``since`` (before it in reverse, newest first), and the top, at one moment."""

    async def remove_history(self, channel: str) -> None:
        """Forget the publications of a channel, but not its top."""

    async def arrive(self, channel: str, info: ClientInfo) -> None:
        """Enter or confirm a follower's presence."""

    async def arrive_many(self, arrivals: Iterable[tuple[str, ClientInfo]]) -> None:
        """Enter or confirm many at once; where some fail this raises, and others may have been entered."""

    async def leave(self, channel: str, client: str) -> None:
        """End a follower's presence."""

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        """Return who is present, by client id."""

    async def attendance(self, channel: str) -> Attendance:
        """Return how many are present, without reading who they are."""
