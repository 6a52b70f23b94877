"""Commands on following a channel: begin, renew, end."""

from typing import TYPE_CHECKING

from channels import timing
from channels.effects import NameChannel, Permit, Steps
from channels.following import follow
from channels.host import Opening
from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.exceptions import Disconnect, ProtocolError
from channels.protocol.messages import (
    Done,
    Message,
    Reply,
    SubRefresh,
    SubRefreshResult,
    Subscribe,
    Unsubscribe,
)
from channels.subscription import Phase

if TYPE_CHECKING:
    from channels.session import Session


def subscribe(session: "Session", request: Message) -> Steps[Reply]:
    """Follow a channel as the client asks."""
    assert isinstance(request, Subscribe)
    check_name(session, request.channel)
    if request.type:
        raise ProtocolError(ErrorCode.NOT_AVAILABLE)
    if request.tf is not None:
        raise ProtocolError(ErrorCode.BAD_REQUEST)
    result = yield from follow(session, request.channel, request)
    return Reply(subscribe=result)


def unsubscribe(session: "Session", request: Message) -> Steps[Reply]:
    """Follow a channel no longer; one not followed is as good as left."""
    assert isinstance(request, Unsubscribe)
    check_name(session, request.channel)
    session.drop(request.channel)
    return Reply(unsubscribe=Done())
    yield  # a handler is a generator, also where it has no question


def sub_refresh(session: "Session", request: Message) -> Steps[Reply]:
    """Let a subscription go on by a new token; one that has expired is refused with 109."""
    assert isinstance(request, SubRefresh) and session.identity is not None
    if request.type or not request.token:
        raise ProtocolError(ErrorCode.BAD_REQUEST)
    channel = request.channel
    if not channel:  # as centrifuge-python up to 0.4.4 sends it
        channel = yield NameChannel(session.identity, request.token)
    check_name(session, channel)
    subscription = session.subscriptions.get(channel)
    if subscription is None:
        raise ProtocolError(ErrorCode.PERMISSION_DENIED)
    opening: Opening = yield Permit(session.identity, channel, request.token, session.client)
    if subscription.phase is Phase.ENDED:
        raise ProtocolError(ErrorCode.PERMISSION_DENIED)
    left_s = timing.left(session, opening.expires_at)
    ttl_s = timing.expire_subscription(session, subscription, left_s)
    return Reply(sub_refresh=SubRefreshResult(expires=opening.expires_at is not None, ttl=ttl_s))


def check_name(session: "Session", channel: str) -> None:
    """Refuse what is no name of a channel."""
    if not channel:
        raise Disconnect(DisconnectCode.BAD_REQUEST)
    if len(channel) > session.limits.channel_name or not channel.isascii():
        raise ProtocolError(ErrorCode.BAD_REQUEST)
