"""Opening a connection and letting it go on by a new token."""

from contextlib import suppress
from typing import TYPE_CHECKING

from channels import timing
from channels.effects import Authenticate, Identified, Renew, Steps
from channels.following import FRESH, Unwanted, follow
from channels.host import Identity
from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.exceptions import Disconnect, ProtocolError
from channels.protocol.messages import (
    Connect,
    ConnectResult,
    Message,
    Refresh,
    RefreshResult,
    Reply,
    Subscribe,
    SubscribeResult,
    payload,
)
from channels.transitions import Event

if TYPE_CHECKING:
    from channels.session import Session


def connect(session: "Session", request: Message) -> Steps[Reply]:
    """Learn who this is, follow their own channels, open."""
    assert isinstance(request, Connect)
    identity: Identity = yield Authenticate(request.token, bytes(request.data))
    ttl_s = timing.expire(session, identity.expires_at)
    session.identity = identity
    session.tell(Identified(identity))
    subs = yield from _follow_own(session, identity, request)
    session.happen(Event.ACCEPTED)
    timing.begin_pings(session)
    result = ConnectResult(
        client=session.client,
        version=session.version,
        expires=identity.expires_at is not None,
        ttl=ttl_s,
        data=payload(identity.data),
        subs=subs,
        ping=max(1, round(session.limits.ping_s)),
        pong=True,
    )
    return Reply(connect=result)


def refresh(session: "Session", request: Message) -> Steps[Reply]:
    """Take a new token of the same user."""
    assert isinstance(request, Refresh) and session.identity is not None
    if not request.token:
        raise ProtocolError(ErrorCode.BAD_REQUEST)
    try:
        identity: Identity = yield Renew(session.identity, request.token)
        if identity.user != session.identity.user:
            raise Disconnect(DisconnectCode.INVALID_TOKEN)
        ttl_s = timing.expire(session, identity.expires_at)
    except ProtocolError as refusal:
        if refusal.code == ErrorCode.TOKEN_EXPIRED:
            raise Disconnect(DisconnectCode.CONNECTION_EXPIRED) from refusal
        raise
    session.identity = identity
    session.tell(Identified(identity))
    result = RefreshResult(
        client=session.client, version=session.version, expires=identity.expires_at is not None, ttl=ttl_s
    )
    return Reply(refresh=result)


def _follow_own(
    session: "Session", identity: Identity, request: Connect
) -> Steps[dict[str, SubscribeResult]]:
    subs: dict[str, SubscribeResult] = {}
    for channel, opening in identity.subscriptions.items():
        with suppress(Unwanted):
            subs[channel] = yield from follow(
                session, channel, _wish(request, channel), opening, server_side=True
            )
    # One that was ready may have been ended while another was opening.
    return {channel: result for channel, result in subs.items() if channel in session.subscriptions}


def _wish(request: Connect, channel: str) -> Subscribe:
    where = request.subs.get(channel)
    if where is None:
        return FRESH
    return Subscribe(recover=where.recover, offset=where.offset, epoch=where.epoch)
