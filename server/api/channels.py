"""What a back end does in channels: publish, read back, see who is there. Feeds of our own are closed to it."""

import base64
import binascii
from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET, Raw, UnsetType

from channels import names
from channels.broker import Broker, Outgoing, Published
from channels.namespaces import Namespaces, Options
from channels.protocol.codes import ErrorCode
from channels.protocol.exceptions import FabricError, ProtocolError
from channels.protocol.messages import ClientInfo, PresenceResult, PresenceStatsResult
from channels.stream import Position, Publication, Version
from server.api import requests

MOST_READ = 10_000
"""Publications of one answer, which is as much as a history may hold."""


class PublishResult(msgspec.Struct, frozen=True):
    """Where the publication stands; offset 0 where nothing is remembered."""

    offset: int
    epoch: str


class Failure(msgspec.Struct, frozen=True):
    """Why something was not done."""

    code: int
    message: str


class Response(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer among several."""

    result: PublishResult | None = None
    error: Failure | None = None


class BroadcastResult(msgspec.Struct, frozen=True):
    """What became of the publication in each channel, in the order they were named."""

    responses: Sequence[Response]


class ReadPublication(msgspec.Struct, frozen=True, omit_defaults=True):
    """A publication read back; what is no JSON is told as base64."""

    data: Raw | None
    offset: int = 0
    b64data: str = ""
    tags: dict[str, str] | None = None
    info: ClientInfo | None = None


class HistoryResult(msgspec.Struct, frozen=True):
    """Publications read back, and the top of the history."""

    publications: Sequence[ReadPublication]
    offset: int
    epoch: str


class Done(msgspec.Struct, frozen=True):
    """It is done, and there is nothing to say about it."""


class ChannelMethods:
    """The methods about channels. ``is_ours`` tells the channels that belong to our own feeds."""

    def __init__(self, broker: Broker, namespaces: Namespaces, is_ours: Callable[[str], bool]) -> None:
        self._broker = broker
        self._namespaces = namespaces
        self._is_ours = is_ours

    async def publish(self, request: requests.Publish) -> PublishResult:
        """Publish in one channel."""
        done = await self._broker.publish_many([self._outgoing(request.channel, request, payload(request))])
        return _position(done[0])

    async def broadcast(self, request: requests.Broadcast) -> BroadcastResult:
        """Publish in many channels, in each that is open to it."""
        data, wanted, refused = payload(request), [], {}
        for number, channel in enumerate(request.channels):
            try:
                wanted.append(self._outgoing(channel, request, data))
            except FabricError as refusal:
                refused[number] = Response(error=Failure(refusal.code, refusal.message))
        done = iter(await self._broker.publish_many(wanted))
        return BroadcastResult(
            [refused.get(n) or Response(_position(next(done))) for n in range(len(request.channels))]
        )

    async def presence(self, request: requests.OfChannel) -> PresenceResult:
        """Tell who follows a channel."""
        self._with_presence(request.channel)
        return PresenceResult(presence=dict(await self._broker.presence(request.channel)))

    async def presence_stats(self, request: requests.OfChannel) -> PresenceStatsResult:
        """Tell how many follow a channel."""
        self._with_presence(request.channel)
        attendance = await self._broker.attendance(request.channel)
        return PresenceStatsResult(num_clients=attendance.clients, num_users=attendance.users)

    async def history(self, request: requests.History) -> HistoryResult:
        """Read publications back."""
        self._with_history(request.channel)
        since = None if request.since is None else Position(request.since.offset, request.since.epoch)
        if request.reverse and since is not None and since.offset == 0:
            raise ProtocolError(ErrorCode.BAD_REQUEST, "since.offset must be 1 or more where reverse is set")
        limit = MOST_READ if request.limit == -1 else min(request.limit or 0, MOST_READ)
        past = await self._broker.history(
            request.channel, since=since, limit=limit, reverse=bool(request.reverse)
        )
        if since is not None and since.epoch not in ("", past.top.epoch):
            raise ProtocolError(ErrorCode.UNRECOVERABLE_POSITION)
        return HistoryResult([_read(one) for one in past.publications], past.top.offset, past.top.epoch)

    async def history_remove(self, request: requests.OfChannel) -> Done:
        """Forget the publications of a channel."""
        self._with_history(request.channel)
        await self._broker.remove_history(request.channel)
        return Done()

    def options(self, channel: str) -> Options:
        """Return the options of a channel that a back end may touch; raises 107, 102, 103."""
        name = names.read(channel)
        if self._is_ours(channel):
            raise ProtocolError(ErrorCode.PERMISSION_DENIED, "this channel is one of our own feeds")
        return self._namespaces.options(name)

    def is_open(self, channel: str) -> bool:
        """Whether a back end may know of the channel."""
        return names.is_name(channel) and not self._is_ours(channel)

    def _outgoing(self, channel: str, request: requests.Payload, data: bytes) -> Outgoing:
        options = self.options(channel)
        return Outgoing(
            channel=channel,
            data=data,
            history=None if request.skip_history else options.history,
            key=request.idempotency_key or None,
            version=Version(request.version, request.version_epoch or "") if request.version else None,
            tags=request.tags or None,
        )

    def _with_presence(self, channel: str) -> None:
        if not self.options(channel).presence:
            raise ProtocolError(ErrorCode.NOT_AVAILABLE)

    def _with_history(self, channel: str) -> None:
        if self.options(channel).history is None:
            raise ProtocolError(ErrorCode.NOT_AVAILABLE)


def payload(request: requests.Payload) -> bytes:
    """Return what is to be published; raises 107 where there is nothing."""
    data = decoded(request.data, request.b64data, "b64data")
    if not data:
        raise ProtocolError(ErrorCode.BAD_REQUEST, "data is missing")
    return data


def decoded(raw: Raw | UnsetType, encoded: str | None, name: str) -> bytes | None:
    """Return the bytes given as JSON or as base64; raises 107 where they are neither."""
    if not encoded:
        # A newline parts messages in a frame; in JSON it can only stand between tokens.
        return None if raw is UNSET else bytes(raw).replace(b"\n", b"").replace(b"\r", b"")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError(ErrorCode.BAD_REQUEST, f"{name} is not base64") from error


def _position(published: Published) -> PublishResult:
    return PublishResult(published.offset, published.epoch)


def _read(publication: Publication) -> ReadPublication:
    try:
        data, encoded = msgspec.json.decode(publication.data, type=Raw), ""
    except msgspec.DecodeError:
        data, encoded = None, base64.b64encode(publication.data).decode()
    return ReadPublication(
        data, publication.offset, b64data=encoded, tags=publication.tags, info=publication.info
    )
