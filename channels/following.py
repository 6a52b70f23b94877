"""Begin to follow a channel: register, hold live deliveries back, read where it stands, show the first view.

The subscription goes live with the reply that carries the result, so its pushes come after it.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from channels import attendance, timing
from channels.broadcast import delta_publication_message, publication_message
from channels.effects import Follow, Permit, Read, Send, Show, Steps, Top
from channels.host import Opening
from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.exceptions import Disconnect, FabricError, ProtocolError
from channels.protocol.messages import Publication as PublicationMessage
from channels.protocol.messages import Push, Reply, Subscribe, Subscribed, SubscribeResult, payload
from channels.recovery import MOST_RECOVERED, latest, recovered
from channels.stream import History, Position, Publication
from channels.subscription import Phase, Subscription

if TYPE_CHECKING:
    from channels.session import Session

REJECT_UNRECOVERED: Final = 2  # flag bit: answer 112 where the position cannot be recovered
FOSSIL: Final = "fossil"
FRESH: Final = Subscribe()


def follow(
    session: "Session",
    channel: str,
    wish: Subscribe,
    opening: Opening | None = None,
    *,
    server_side: bool = False,
) -> Steps[SubscribeResult]:
    """Follow ``channel`` as far as it is opened; None of an opening asks the application."""
    assert session.identity is not None
    _check_room(session, channel, server_side=server_side)
    if opening is None:
        opening = yield Permit(session.identity, channel, wish.token, session.client)
    left_s = timing.left(session, opening.expires_at)
    channel = sys.intern(channel)  # many follow the same one
    subscription = Subscription(channel, opening, server_side=server_side, join_leave=wish.join_leave)
    session.subscriptions[channel] = subscription
    result = SubscribeResult(expires=opening.expires_at is not None)
    result.ttl = timing.expire_subscription(session, subscription, left_s)
    try:
        yield from _begin(session, subscription, wish, result)
    except FabricError:
        session.drop(channel)
        raise
    session.await_reply(subscription)
    return result


def follow_unasked(
    session: "Session", channel: str, opening: Opening | None, since: Position | None
) -> Steps[None]:
    """Let a connection follow a channel at the server's wish, tell its client, and give it what it has missed."""
    if channel in session.subscriptions:
        return
    wish = FRESH if since is None else Subscribe(recover=True, offset=since.offset, epoch=since.epoch)
    try:
        result = yield from follow(session, channel, wish, opening, server_side=True)
    except Disconnect as end:
        session.close(end.code, end.reason)
        return
    told = Subscribed(
        recoverable=result.recoverable,
        epoch=result.epoch,
        offset=result.offset,
        positioned=result.positioned,
        data=result.data,
    )
    session.tell(Send(Reply(push=Push(channel=channel, subscribe=told))))
    for publication in result.publications:
        session.tell(Send(Reply(push=Push(channel=channel, pub=publication))))
    session.go_live()


def _check_room(session: "Session", channel: str, *, server_side: bool) -> None:
    if channel in session.subscriptions:
        raise ProtocolError(ErrorCode.ALREADY_SUBSCRIBED)
    if len(session.subscriptions) >= session.limits.channels:
        if server_side:
            raise Disconnect(DisconnectCode.CHANNEL_LIMIT)
        raise ProtocolError(ErrorCode.LIMIT_EXCEEDED)


def _begin(
    session: "Session", subscription: Subscription, wish: Subscribe, result: SubscribeResult
) -> Steps[None]:
    opening = subscription.opening
    yield Follow(subscription.channel)
    _check_still_wanted(subscription)
    if opening.history is not None:
        yield from _take_position(subscription, wish, result)
    if opening.data is not None:
        result.data = payload(opening.data)
    elif not result.recovered:
        # The position was read before, so what is published while the view is made comes after it.
        assert session.identity is not None
        view: bytes | None = yield Show(session.identity, subscription.channel)
        result.data = payload(view)
    if opening.presence:
        yield from attendance.arrive(session, subscription)
    _check_still_wanted(subscription)


def _take_position(subscription: Subscription, wish: Subscribe, result: SubscribeResult) -> Steps[None]:
    opening, channel = subscription.opening, subscription.channel
    wishes = opening.may_read_history
    result.recoverable = opening.recoverable or (wishes and wish.recoverable)
    result.positioned = result.recoverable or opening.positioned or (wishes and wish.positioned)
    if not result.positioned:
        return
    result.was_recovering = result.recoverable and wish.recover
    subscription.delta = result.delta = opening.delta and wish.delta == FOSSIL
    since = Position(wish.offset, wish.epoch) if result.was_recovering else None
    missed: Sequence[Publication] | None = None
    if result.recoverable and opening.recovery == "cache":
        newest: History = yield Read(channel, None, 1, True)
        top, missed = newest.top, latest(newest, since)
        begin = top
    elif since is not None:
        history: History = yield Read(channel, since, MOST_RECOVERED)
        top, missed = history.top, recovered(history, since)
        if missed is None and wish.flag & REJECT_UNRECOVERED:
            raise ProtocolError(ErrorCode.UNRECOVERABLE_POSITION)
        # The client moves on from the offset it asked for as it takes the publications.
        begin = top if missed is None else since
    else:
        top = begin = yield Top(channel)
    subscription.position = top
    result.epoch, result.offset = top.epoch, begin.offset
    if missed is not None:
        result.recovered = True
        result.publications = _replayed(subscription, missed)


def _replayed(subscription: Subscription, missed: Sequence[Publication]) -> list[PublicationMessage]:
    if not subscription.delta:
        return [publication_message(publication) for publication in missed]
    subscription.based = bool(missed)
    return [delta_publication_message(publication) for publication in missed]


def _check_still_wanted(subscription: Subscription) -> None:
    if subscription.phase is Phase.ENDED:
        raise ProtocolError(ErrorCode.PERMISSION_DENIED)
