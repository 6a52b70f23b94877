"""Begin to follow a channel: register, hold live deliveries back, read where it stands, show the first view.

The subscription goes live with the reply that carries the result, so its pushes come after it.
"""

import sys
from math import inf
from typing import TYPE_CHECKING, Final

from channels import timing
from channels.effects import Arrive, Follow, Permit, Send, Show, Steps, Unfollow
from channels.host import Opening
from channels.positioning import position_question, take_position
from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.exceptions import Disconnect, FabricError, ProtocolError
from channels.protocol.messages import Push, Reply, Subscribe, Subscribed, SubscribeResult, payload
from channels.stream import History, Position
from channels.subscription import Phase, Subscription
from channels.transitions import State

if TYPE_CHECKING:
    from channels.session import Session

FRESH: Final = Subscribe()


class Unwanted(ProtocolError):
    """The server ended the subscription while it was opening."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.PERMISSION_DENIED)


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
    name = sys.intern(channel)  # many follow the same one
    subscription = Subscription(name, opening, server_side=server_side, join_leave=wish.join_leave)
    session.subscriptions[name] = subscription
    result = SubscribeResult()
    if left_s < inf:
        result.expires, result.ttl = True, timing.expire_subscription(session, subscription, left_s)
    try:
        yield from _begin(session, subscription, wish, result)
    except FabricError:
        if not session.drop(name):
            session.tell(Unfollow(name))  # it may have been ended before the hub began to follow
        raise
    session.await_reply(subscription)
    return result


def follow_unasked(
    session: "Session", channel: str, opening: Opening | None, since: Position | None
) -> Steps[None]:
    """Let a connection follow a channel at the server's wish, tell its client, and give it what it has missed."""
    if session.state is not State.OPEN or channel in session.subscriptions:
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
    assert session.identity is not None
    channel, opening = subscription.channel, subscription.opening
    yield Follow(channel)
    _check_still_wanted(subscription)
    question = position_question(subscription, wish, result)
    if question is not None:
        answer: History | Position = yield question
        take_position(subscription, wish, result, answer)
    if opening.data is not None:
        result.data = payload(opening.data)
    elif not result.recovered:
        # The position was read before, so what is published while the view is made comes after it.
        view: bytes | None = yield Show(session.identity, channel)
        result.data = payload(view)
    if opening.presence:
        # Noted before it is known, so that an arrival whose answer is lost is ended too.
        subscription.present = True
        yield Arrive(channel, session.client_info(subscription))
    _check_still_wanted(subscription)


def _check_still_wanted(subscription: Subscription) -> None:
    if subscription.phase is Phase.ENDED:
        raise Unwanted
