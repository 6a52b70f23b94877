"""What client and server say to each other, each message one Struct, whatever codec carries it.

1. Payloads (`data`, `conn_info`, `chan_info`) are `Raw`: the bytes of the publisher, never parsed or rewritten here.
2. A field with a default is left out of the wire when it holds that default; a field without one is always written,
   since SDKs index it without asking.
3. `Command` and `Reply` are envelopes with one member set, as in the protocol's own schema (`client.proto`).
4. Fields for what is not served are missing, and skipped where a client sends them: map subscriptions, shared polls,
   compact channel ids, dictionary compression. What a client must be refused for (`type`) is there.
"""

from typing import Annotated, Final

from msgspec import Meta, Raw, Struct

EMPTY: Final = Raw()  # the one absent payload: a field holding this very object is left out of the wire

UInt32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Offset = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # the protocol allows one bit more, which no stream reaches


def payload(data: bytes | None) -> Raw:
    """Carry the publisher's bytes as they are; none at all where there are none."""
    return Raw(data) if data else EMPTY


class Message(Struct, kw_only=True, omit_defaults=True):
    """Base of all messages."""


# What a client sends


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
    headers: dict[str, str] = {}
    subs: dict[str, Recover] = {}


class Filter(Message):
    """Which publications are wanted, by their tags: a comparison, or several joined by and, or, not."""

    op: str = ""
    key: str = ""
    cmp: str = ""
    val: str = ""
    vals: list[str] = []
    nodes: list["Filter"] = []


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


# What the server sends


class ClientInfo(Message):
    """Who stands behind a connection."""

    user: str
    client: str
    conn_info: Raw = EMPTY
    chan_info: Raw = EMPTY


class Publication(Message):
    """One message of a channel."""

    data: Raw = EMPTY
    info: ClientInfo | None = None
    offset: int = 0
    tags: dict[str, str] | None = None
    delta: bool = False
    time: int = 0
    channel: str = ""


class DeltaPublication(Publication):
    """A publication to a subscription with delta: a patch where `delta` is set, else whole.

    Its payload is a text to a client that reads JSON, since a patch is none.
    """


class SubscribeResult(Message):
    """The channel is followed from here on."""

    expires: bool = False
    ttl: int = 0
    recoverable: bool = False
    epoch: str = ""
    publications: list[Publication] = []
    recovered: bool = False
    offset: int = 0
    positioned: bool = False
    data: Raw = EMPTY
    was_recovering: bool = False
    delta: bool = False


class ConnectResult(Message):
    """The connection is open."""

    client: str
    version: str
    expires: bool = False
    ttl: int = 0
    data: Raw = EMPTY
    subs: dict[str, SubscribeResult] = {}
    ping: int = 0
    pong: bool = False
    session: str = ""
    node: str = ""
    time: int = 0


class PresenceResult(Message):
    """Who follows a channel, by client id."""

    presence: dict[str, ClientInfo]


class PresenceStatsResult(Message):
    """How many connections and users follow a channel."""

    num_clients: int
    num_users: int


class HistoryResult(Message):
    """Publications read back, and the top of the history."""

    publications: list[Publication]
    epoch: str
    offset: int


class RpcResult(Message):
    """What the application answered."""

    data: Raw = EMPTY


class RefreshResult(Message):
    """How long the connection may go on."""

    client: str = ""
    version: str = ""
    expires: bool = False
    ttl: int = 0


class SubRefreshResult(Message):
    """How long the subscription may go on."""

    expires: bool = False
    ttl: int = 0


class Done(Message):
    """An answer without content."""


class Error(Message):
    """Why a command was refused."""

    code: int
    message: str
    temporary: bool = False


class Presented(Message):
    """Someone arrived or left."""

    info: ClientInfo


class Unsubscribed(Message):
    """The server ended a subscription."""

    code: int
    reason: str


class Subscribed(Message):
    """The server subscribed the client to a channel."""

    recoverable: bool = False
    epoch: str = ""
    offset: int = 0
    positioned: bool = False
    data: Raw = EMPTY


class Word(Message):
    """Something the server says to one connection, outside any channel."""

    data: Raw = EMPTY


class Connected(ConnectResult):
    """A one-way connection is open; its fields are those of a reply, under other numbers in Protobuf."""


class Disconnected(Message):
    """The server ends the connection; over WebSocket the close frame says it."""

    code: int
    reason: str


class Refreshed(Message):
    """The server moved the end of the connection."""

    expires: bool = False
    ttl: int = 0


class Push(Message):
    """Something nobody asked for at this moment."""

    channel: str = ""
    pub: Publication | None = None
    join: Presented | None = None
    leave: Presented | None = None
    unsubscribe: Unsubscribed | None = None
    message: Word | None = None
    subscribe: Subscribed | None = None
    connect: Connected | None = None
    disconnect: Disconnected | None = None
    refresh: Refreshed | None = None


class Reply(Message):
    """An envelope to the client; an empty one is a ping."""

    id: int = 0
    error: Error | None = None
    push: Push | None = None
    connect: ConnectResult | None = None
    subscribe: SubscribeResult | None = None
    unsubscribe: Done | None = None
    publish: Done | None = None
    presence: PresenceResult | None = None
    presence_stats: PresenceStatsResult | None = None
    history: HistoryResult | None = None
    rpc: RpcResult | None = None
    refresh: RefreshResult | None = None
    sub_refresh: SubRefreshResult | None = None
