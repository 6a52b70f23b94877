"""Opening a connection and letting it go on by a new token."""

from typing import TYPE_CHECKING

from channels.effects import Authenticate, Identified, Renew, Steps, ask
from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.exceptions import Disconnect, ProtocolError
from channels.protocol.messages import (
    Connect,
    ConnectResult,
    Message,
    Recover,
    Refresh,
    RefreshResult,
    Reply,
    payload,
)
from channels.subscribing import open_channel
from channels.transitions import Event

if TYPE_CHECKING:
    from channels.session import Session

NOWHERE = Recover()


def connect(session: "Session", request: Message) -> Steps[Reply]:
    """Learn who this is, follow their own channels, open."""
    assert isinstance(request, Connect)
    identity = yield from ask(Authenticate(request.token, bytes(request.data)))
    ttl_s = session.expire("expiry", identity.expires_at)
    session.identity = identity
    session.tell(Identified(identity))
    subs = {}
    for channel, opening in identity.subscriptions.items():
        wish = request.subs.get(channel, NOWHERE)
        subs[channel] = yield from open_channel(session, channel, wish, opening=opening, server_side=True)
    session.happen(Event.ACCEPTED)
    session.begin_pings()
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
        identity = yield from ask(Renew(session.identity, request.token))
        ttl_s = session.expire("expiry", identity.expires_at)
    except ProtocolError as refusal:
        if refusal.code == ErrorCode.TOKEN_EXPIRED:
            raise Disconnect(DisconnectCode.CONNECTION_EXPIRED) from refusal
        raise
    if identity.user != session.identity.user:
        raise Disconnect(DisconnectCode.INVALID_TOKEN)
    session.identity = identity
    session.tell(Identified(identity))
    result = RefreshResult(
        client=session.client, version=session.version, expires=identity.expires_at is not None, ttl=ttl_s
    )
    return Reply(refresh=result)
