"""Commands that change nothing in the session: reading back, asking who is there, calling the application."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from channels.broadcast import publication_message
from channels.broker import Attendance
from channels.effects import Count, Glance, Invoke, Present, Read, Steps
from channels.host import Opening
from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.exceptions import Disconnect, ProtocolError
from channels.protocol.messages import (
    ClientInfo,
    History,
    HistoryResult,
    Message,
    Presence,
    PresenceResult,
    PresenceStats,
    PresenceStatsResult,
    Reply,
    Rpc,
    RpcResult,
    payload,
)
from channels.stream import History as Past
from channels.stream import Position
from channels.subscribing import check_name

if TYPE_CHECKING:
    from channels.session import Session


def history(session: "Session", request: Message) -> Steps[Reply]:
    """Read publications back."""
    assert isinstance(request, History)
    check_name(session, request.channel)
    since = Position(request.since.offset, request.since.epoch) if request.since else None
    if request.limit < -1 or (request.reverse and since is not None and since.offset == 0):
        raise ProtocolError(ErrorCode.BAD_REQUEST)
    opening = yield from _opening(session, request.channel)
    _check(served=opening.history is not None, allowed=opening.may_read_history)
    most = session.limits.history
    limit = most if request.limit < 0 else min(request.limit, most)
    past: Past = yield Read(request.channel, since, limit, request.reverse)
    if since is not None and since.epoch not in ("", past.top.epoch):
        raise ProtocolError(ErrorCode.UNRECOVERABLE_POSITION)
    publications = [publication_message(publication) for publication in past.publications]
    return Reply(
        history=HistoryResult(publications=publications, epoch=past.top.epoch, offset=past.top.offset)
    )


def presence(session: "Session", request: Message) -> Steps[Reply]:
    """Tell who follows a channel."""
    assert isinstance(request, Presence)
    yield from _check_presence(session, request.channel)
    present: Mapping[str, ClientInfo] = yield Present(request.channel)
    return Reply(presence=PresenceResult(presence=dict(present)))


def presence_stats(session: "Session", request: Message) -> Steps[Reply]:
    """Tell how many follow a channel."""
    assert isinstance(request, PresenceStats)
    yield from _check_presence(session, request.channel)
    attendance: Attendance = yield Count(request.channel)
    counted = PresenceStatsResult(num_clients=attendance.clients, num_users=attendance.users)
    return Reply(presence_stats=counted)


def rpc(session: "Session", request: Message) -> Steps[Reply]:
    """Call the application."""
    assert isinstance(request, Rpc) and session.identity is not None
    answer: bytes = yield Invoke(session.identity, request.method, bytes(request.data) or b"{}")
    return Reply(rpc=RpcResult(data=payload(answer)))


def not_served(session: "Session", request: Message) -> Steps[Reply]:
    """Refuse a command of the protocol that this server does not know."""
    if not getattr(request, "channel", "-"):
        raise Disconnect(DisconnectCode.BAD_REQUEST)
    raise ProtocolError(ErrorCode.NOT_AVAILABLE)
    yield  # a handler is a generator, also where it has no question


def _check_presence(session: "Session", channel: str) -> Steps[None]:
    check_name(session, channel)
    opening = yield from _opening(session, channel)
    _check(served=opening.presence, allowed=opening.may_read_presence)


def _check(*, served: bool, allowed: bool) -> None:
    if not served:
        raise ProtocolError(ErrorCode.NOT_AVAILABLE)
    if not allowed:
        raise ProtocolError(ErrorCode.PERMISSION_DENIED)


def _opening(session: "Session", channel: str) -> Steps[Opening]:
    """Return the right to the channel: the one it is followed by, or what is open without."""
    assert session.identity is not None
    subscription = session.subscriptions.get(channel)
    if subscription is not None:
        return subscription.opening
    opening: Opening = yield Glance(session.identity, channel)
    return opening
