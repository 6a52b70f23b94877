"""What the server says, asked or not, each message one Struct; `Reply` is the envelope."""

from msgspec import Raw, field

from channels.protocol.message import EMPTY, Message


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
    publications: list[Publication] = field(default_factory=list)
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
    subs: dict[str, SubscribeResult] = field(default_factory=dict)
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
