"""What a client says, each request one Struct; `Command` is the envelope."""

from msgspec import Raw, field

from channels.protocol.message import EMPTY, Int32, Int64, Message, Offset, UInt32


class Recover(Message):
    """Where a client stands in a channel it wants to go on with."""

    recover: bool = False
    offset: Offset = 0
    epoch: str = ""


class Connect(Message):
    """The first command: who I am, and where I stand in my server-side subscriptions."""

    token: str = ""
    data: Raw = EMPTY
    name: str = ""
    version: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    subs: dict[str, Recover] = field(default_factory=dict)


class Filter(Message):
    """Which publications are wanted, by their tags: a comparison, or several joined by and, or, not."""

    op: str = ""
    key: str = ""
    cmp: str = ""
    val: str = ""
    vals: list[str] = field(default_factory=list)
    nodes: list["Filter"] = field(default_factory=list)


class Subscribe(Recover):
    """Follow a channel, from a position on where one is given."""

    channel: str = ""
    token: str = ""
    data: Raw = EMPTY
    positioned: bool = False
    recoverable: bool = False
    join_leave: bool = False
    delta: str = ""
    tf: Filter | None = None
    flag: Int64 = 0
    type: Int32 = 0


class Unsubscribe(Message):
    """Follow a channel no longer."""

    channel: str = ""


class Publish(Message):
    """Publish as a client."""

    channel: str = ""
    data: Raw = EMPTY
    type: Int32 = 0


class Presence(Message):
    """Ask who follows a channel."""

    channel: str = ""


class PresenceStats(Message):
    """Ask how many follow a channel."""

    channel: str = ""


class StreamPosition(Message):
    """A place in a channel's history."""

    offset: Offset = 0
    epoch: str = ""


class History(Message):
    """Read back: limit 0 is the position only, -1 all there is."""

    channel: str = ""
    limit: Int32 = 0
    since: StreamPosition | None = None
    reverse: bool = False


class Rpc(Message):
    """Call the application."""

    method: str = ""
    data: Raw = EMPTY


class Refresh(Message):
    """Bring a new connection token."""

    token: str = ""


class SubRefresh(Message):
    """Bring a new subscription token."""

    channel: str = ""
    token: str = ""
    type: Int32 = 0


class Send(Message):
    """Tell the application something; no answer is expected."""

    data: Raw = EMPTY


class Ping(Message):
    """A ping as a command, which is not served; liveness is the empty message."""


Request = (
    Connect
    | Subscribe
    | Unsubscribe
    | Publish
    | Presence
    | PresenceStats
    | History
    | Rpc
    | Refresh
    | SubRefresh
    | Send
    | Ping
)


class Command(Message):
    """An envelope from the client; one without id and request is the answer to a ping."""

    id: UInt32 = 0
    connect: Connect | None = None
    subscribe: Subscribe | None = None
    unsubscribe: Unsubscribe | None = None
    publish: Publish | None = None
    presence: Presence | None = None
    presence_stats: PresenceStats | None = None
    history: History | None = None
    ping: Ping | None = None
    send: Send | None = None
    rpc: Rpc | None = None
    refresh: Refresh | None = None
    sub_refresh: SubRefresh | None = None

    @property
    def request(self) -> Request | None:
        """The first request that is set."""
        for name in _REQUESTS:
            request: Request | None = getattr(self, name)
            if request is not None:
                return request
        return None


_REQUESTS = Command.__struct_fields__[1:]
