"""What the clock does to a connection: pings, tokens that run out, clients that never say who they are."""

from math import inf
from typing import TYPE_CHECKING, Final

from channels.deadlines import Moment
from channels.effects import Send
from channels.protocol.codes import DisconnectCode, ErrorCode, UnsubscribeCode
from channels.protocol.exceptions import ProtocolError
from channels.protocol.messages import Reply
from channels.subscription import Subscription

if TYPE_CHECKING:
    from channels.session import Session

LONGEST_TTL_S: Final = 2**31 - 1
"""What clients are told of a token that is good for longer: more does not fit into every codec."""


def come_due(session: "Session", moment: Moment, now: float) -> None:
    """Do what was waited for until ``now``."""
    match moment:
        case "connect":
            session.close(DisconnectCode.STALE)
        case "ping":
            session.tell(Send(Reply()))
            session.deadlines.set("ping", now + session.limits.ping_s)
            session.deadlines.set("pong", now + session.limits.pong_s)
        case "pong":
            session.close(DisconnectCode.NO_PONG)
        case "expiry":
            session.close(DisconnectCode.CONNECTION_EXPIRED)
        case "subscription":
            _end_expired(session, now)


def begin_pings(session: "Session") -> None:
    """Ping from a random moment on, so that connections made together do not beat together."""
    session.deadlines.set("ping", session.clock() + session.limits.ping_s * (0.5 + 0.5 * session.jitter()))


def expire(session: "Session", expires_at: float | None) -> int:
    """Watch the end of the connection, in Unix seconds, and return the seconds left for the reply.

    Raises 109 where it has passed.
    """
    left_s = left(session, expires_at)
    if left_s < inf or "expiry" in session.deadlines:
        session.deadlines.set("expiry", session.clock() + left_s + session.limits.grace_s)
    return _ttl(left_s)


def expire_subscription(session: "Session", subscription: Subscription, left_s: float) -> int:
    """Watch the end of a followed channel's right, and return the seconds left for the reply."""
    if left_s < inf or subscription.expires < inf:
        subscription.expires = session.clock() + left_s + session.limits.grace_s
        _watch_subscriptions(session)
    return _ttl(left_s)


def left(session: "Session", expires_at: float | None) -> float:
    """Return the seconds until a moment in Unix seconds, infinity for None; raises 109 where it has passed."""
    left_s = inf if expires_at is None else expires_at - session.wall()
    if left_s <= 0:
        raise ProtocolError(ErrorCode.TOKEN_EXPIRED)
    return left_s


def _end_expired(session: "Session", now: float) -> None:
    expired = [one for one in session.subscriptions.values() if one.expires <= now]
    for subscription in expired:
        subscription.expires = inf
        if subscription.server_side:
            session.close(DisconnectCode.SUBSCRIPTION_EXPIRED)
        else:
            session.unsubscribe(subscription.channel, UnsubscribeCode.EXPIRED)
    _watch_subscriptions(session)


def _watch_subscriptions(session: "Session") -> None:
    nearest = min((one.expires for one in session.subscriptions.values()), default=inf)
    session.deadlines.set("subscription", nearest)


def _ttl(left_s: float) -> int:
    return 0 if left_s == inf else max(1, int(min(left_s, LONGEST_TTL_S)))
