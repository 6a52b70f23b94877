"""Beginning, renewing and ending to follow a channel, at a client's wish or from the start of a connection."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from channels.broadcast import publication_message
from channels.effects import Arrive, Follow, Permit, Read, Send, Show, Steps, ask
from channels.host import Opening
from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.exceptions import Disconnect, FabricError, ProtocolError
from channels.protocol.messages import (
    Done,
    Message,
    Push,
    Recover,
    Reply,
    SubRefresh,
    SubRefreshResult,
    Subscribe,
    Subscribed,
    SubscribeResult,
    Unsubscribe,
    payload,
)
from channels.recovery import MOST_RECOVERED, recovered
from channels.stream import START, Position, Publication
from channels.subscription import Phase, Subscription

if TYPE_CHECKING:
    from channels.session import Session

REJECT_UNRECOVERED: Final = 2  # flag bit: answer 112 where the position cannot be recovered


def subscribe(session: "Session", request: Message) -> Steps[Reply]:
    """Follow a channel as the client asks."""
    assert isinstance(request, Subscribe)
    check_name(session, request.channel)
    if request.type:
        raise ProtocolError(ErrorCode.NOT_AVAILABLE)
    if request.tf is not None:
        raise ProtocolError(ErrorCode.BAD_REQUEST)
    result = yield from open_channel(session, request.channel, request, token=request.token)
    return Reply(subscribe=result)


def subscribe_unasked(
    session: "Session", channel: str, opening: Opening | None, since: Position | None
) -> Steps[None]:
    """Let a connection follow a channel at the server's wish, and tell its client."""
    if channel in session.subscriptions:
        return
    wish = Recover(recover=True, offset=since.offset, epoch=since.epoch) if since else Recover()
    result = yield from open_channel(session, channel, wish, opening=opening, server_side=True)
    told = Subscribed(
        recoverable=result.recoverable,
        epoch=result.epoch,
        offset=result.offset,
        positioned=result.positioned,
        data=result.data,
    )
    session.tell(Send(Reply(push=Push(channel=channel, subscribe=told))))
    session.go_live()


def unsubscribe(session: "Session", request: Message) -> Steps[Reply]:
    """Follow a channel no longer; one not followed is as good as left."""
    assert isinstance(request, Unsubscribe)
    check_name(session, request.channel)
    session.drop(request.channel)
    return Reply(unsubscribe=Done())
    yield  # a handler is a generator, also where it has no question


def sub_refresh(session: "Session", request: Message) -> Steps[Reply]:
    """Let a subscription go on by a new token."""
    assert isinstance(request, SubRefresh)
    if request.type or not request.token:
        raise ProtocolError(ErrorCode.BAD_REQUEST)
    check_name(session, request.channel)
    subscription = session.subscriptions.get(request.channel)
    if subscription is None or session.identity is None:
        raise ProtocolError(ErrorCode.PERMISSION_DENIED)
    opening = yield from ask(Permit(session.identity, request.channel, request.token, session.client))
    if subscription.phase is Phase.ENDED:
        raise ProtocolError(ErrorCode.PERMISSION_DENIED)
    ttl_s = session.expire(("subscription", request.channel), opening.expires_at)
    return Reply(sub_refresh=SubRefreshResult(expires=opening.expires_at is not None, ttl=ttl_s))


def check_name(session: "Session", channel: str) -> None:
    """Refuse what is no name of a channel."""
    if not channel:
        raise Disconnect(DisconnectCode.BAD_REQUEST)
    if len(channel) > session.limits.channel_name or not channel.isascii():
        raise ProtocolError(ErrorCode.BAD_REQUEST)


def open_channel(
    session: "Session",
    channel: str,
    wish: Recover,
    *,
    token: str = "",
    opening: Opening | None = None,
    server_side: bool = False,
) -> Steps[SubscribeResult]:
    """Follow ``channel``: register, hold live deliveries back, read history, show the first view.

    The subscription goes live with the reply that carries the result.
    """
    assert session.identity is not None
    if channel in session.subscriptions:
        raise ProtocolError(ErrorCode.ALREADY_SUBSCRIBED)
    if len(session.subscriptions) >= session.limits.channels:
        raise ProtocolError(ErrorCode.LIMIT_EXCEEDED)
    if opening is None:
        opening = yield from ask(Permit(session.identity, channel, token, session.client))
    ttl_s = session.expire(("subscription", channel), opening.expires_at)
    subscription = Subscription(channel, opening, server_side=server_side)
    session.subscriptions[channel] = subscription
    try:
        result = yield from _begin(session, subscription, wish)
    except FabricError:
        session.drop(channel)
        raise
    session.opened.append(subscription)
    result.expires, result.ttl = opening.expires_at is not None, ttl_s
    return result


def _begin(session: "Session", subscription: Subscription, wish: Recover) -> Steps[SubscribeResult]:
    yield from ask(Follow(subscription.channel))
    _check_still_wanted(subscription)
    result = SubscribeResult(was_recovering=wish.recover)
    if subscription.opening.history is not None:
        yield from _take_position(subscription, wish, result)
    if not result.recovered:
        # The position was read before, so what is published while the view is made comes after it.
        assert session.identity is not None
        view = yield from ask(Show(session.identity, subscription.channel))
        result.data = payload(view)
    if subscription.opening.presence or subscription.opening.join_leave:
        yield from _arrive(session, subscription)
    _check_still_wanted(subscription)
    return result


def _take_position(subscription: Subscription, wish: Recover, result: SubscribeResult) -> Steps[None]:
    since = Position(wish.offset, wish.epoch)
    if wish.recover:
        history = yield from ask(Read(subscription.channel, since, MOST_RECOVERED))
        missed = recovered(history, since)
    else:
        history, missed = (yield from ask(Read(subscription.channel, START, 0))), None
    if missed is None and isinstance(wish, Subscribe) and wish.recover and wish.flag & REJECT_UNRECOVERED:
        raise ProtocolError(ErrorCode.UNRECOVERABLE_POSITION)
    subscription.position = history.top
    result.positioned = result.recoverable = True
    result.epoch, result.offset = history.top.epoch, history.top.offset
    if missed is not None:
        _replay(result, missed, since.offset)


def _replay(result: SubscribeResult, missed: Sequence[Publication], asked_offset: int) -> None:
    # The client moves on from the offset it asked for as it takes the publications.
    result.recovered, result.offset = True, asked_offset
    result.publications = [publication_message(publication) for publication in missed]


def _arrive(session: "Session", subscription: Subscription) -> Steps[None]:
    subscription.present = True
    if subscription.opening.presence:
        yield from ask(Arrive(subscription.channel, session.client_info(subscription)))


def _check_still_wanted(subscription: Subscription) -> None:
    if subscription.phase is Phase.ENDED:
        raise ProtocolError(ErrorCode.PERMISSION_DENIED)


def opening_of(session: "Session", channel: str) -> Steps[Opening]:
    """Return the right to the channel: the one it is followed by, or the one that would be granted."""
    assert session.identity is not None
    subscription = session.subscriptions.get(channel)
    if subscription is not None:
        return subscription.opening
    opening = yield from ask(Permit(session.identity, channel, "", session.client))
    return opening
