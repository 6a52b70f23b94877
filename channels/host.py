"""What a connection asks of the application it serves: who is this, what may they follow, what do they see first.

Refusals are raised as `ProtocolError` (the command is refused) or `Disconnect` (the connection ends); anything else
that is raised is a defect: it is logged and told as error 100.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, Final, Literal, Protocol

from msgspec import Struct

from channels.stream import HistoryPolicy


class Pressure(Enum):
    """What becomes of a channel's publications that a follower does not take in time."""

    DISCONNECT = auto()
    """They wait in a bounded queue; beyond it the connection is closed with 3008 and recovers from history."""
    LATEST = auto()
    """Only the newest one waits."""
    OLDEST = auto()
    """A bounded number wait, and the oldest of them gives way."""


class Opening(Struct, frozen=True, kw_only=True):
    """The right to follow one channel, and what comes with it.

    Frozen, so that one instance may serve all followers of a channel; do share it, there are many of them.
    """

    history: HistoryPolicy | None = None
    """What is remembered; without it nothing is positioned, recovered or read back."""
    recovery: Literal["stream", "cache"] = "stream"
    """`stream` gives a returning follower all it has missed or nothing, `cache` gives everyone the latest."""
    positioned: bool = True
    """Whether every follower is told of gaps; False leaves it to the client's wish. Needs history."""
    recoverable: bool = True
    """Whether every follower may go on where it was; False leaves it to the client's wish. Needs history."""
    presence: bool = False
    """Whether the follower is listed while it is there."""
    join_leave: bool = False
    """Whether others are told when the follower comes and goes."""
    push_join_leave: bool = True
    """Whether every follower is sent such events; False leaves it to the client's wish. Needs join_leave."""
    may_publish: bool = False
    may_read_history: bool = True
    may_read_presence: bool = True
    delta: bool = False
    """Whether a positioned follower may ask for publications as differences to the one before."""
    pressure: Pressure = Pressure.DISCONNECT
    data: bytes | None = None
    """Raw JSON for the subscribe reply, sent always; where it is None, `Host.first` is asked."""
    expires_at: float | None = None
    """Unix seconds after which a new token for the channel is needed; None is never."""
    info: bytes | None = None
    """Raw JSON that others in this channel see in presence, join, leave and publications."""


NOTHING_FOLLOWED: Final[Mapping[str, Opening | None]] = {}


class Identity(Struct, frozen=True, kw_only=True):
    """Who is connected."""

    user: str
    """Empty for an anonymous one."""
    realm: str = ""
    """Whose people they are: users of two realms are never the same, whatever they are called."""
    session: str = ""
    """The login this connection belongs to, so that its end can end the connection."""
    expires_at: float | None = None
    """Unix seconds after which a new token is needed; None is never."""
    info: bytes | None = None
    """Raw JSON that others see in presence, join and leave."""
    subscriptions: Mapping[str, Opening | None] = NOTHING_FOLLOWED
    """Followed from the start without being asked for, such as the personal channel; None asks `Host.may`."""
    data: bytes | None = None
    """Raw JSON for the connect reply."""
    address: str = ""
    """Where the connection comes from, as its transport sees it; set by the shell."""
    agent: str = ""
    """The program it says it is; set by the shell."""
    key: Any = None  # the application's own caller; the fabric hands it back and never looks inside


class Publishing(Struct, frozen=True, kw_only=True):
    """What is to be published in a client's name."""

    data: bytes
    """Raw JSON, the client's own or what the application made of it."""
    history: HistoryPolicy | None = None
    """Set, the publication is remembered."""
    tags: dict[str, str] | None = None


class Host(Protocol):
    """The application behind the connections."""

    async def connect(self, token: str, data: bytes) -> Identity:
        """Tell who brings this token; 109 for one that has expired, `Disconnect` 3500 for one that is not ours."""

    async def refresh(self, identity: Identity, token: str) -> Identity:
        """Tell who brings this new token; the user must be the same."""

    async def may(self, identity: Identity, channel: str, token: str, *, client: str) -> Opening:
        """Grant following a channel to the connection ``client``.

        Raises `ProtocolError` 102 for an unknown channel, 103 for a right that is missing or a token that is not
        signed by us, 109 for a token that has expired; `Disconnect` 3500 for one of another channel, user or client.
        """

    async def glance(self, identity: Identity, channel: str) -> Opening:
        """Say what somebody may read in a channel they do not follow; refused as in `may`."""

    async def channel_of(self, identity: Identity, token: str) -> str:
        """Return the channel that a subscription token is for; raises 107 for one that names none.

        Asked only where a client leaves the channel out of `sub_refresh`, as centrifuge-python up to 0.4.4 does;
        `may` checks the token afterwards.
        """

    async def first(self, identity: Identity, channel: str) -> bytes | None:
        """Return the channel's first view as raw JSON; not asked where the position was recovered.

        It is computed after the position was read, so it may already hold what is published next: readers keep the
        highest version of a key.
        """

    async def call(self, identity: Identity, method: str, data: bytes) -> bytes:
        """Run a procedure on raw JSON (`{}` where the client sent none) and return raw JSON."""

    async def publish(self, identity: Identity, channel: str, data: bytes, *, granted: bool) -> Publishing:
        """Say what to publish where a client publishes; ``granted`` tells that it follows with `may_publish`.

        Raises `ProtocolError` 103 for a right that is missing, 108 where clients do not publish.
        """

    async def send(self, identity: Identity, data: bytes) -> None:
        """Take a message that wants no answer; raises `Disconnect` 3508 where none are taken."""
