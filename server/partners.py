"""What connections ask where partners' back ends decide: by their tokens, and by the options of namespaces.

`PartnerHost` serves them alone; `SharedHost` serves them beside our own people: feeds belong to those who sign in with
us, every other channel to the namespaces.
"""

import msgspec

from channels import names
from channels.host import Identity, Opening, Publishing
from channels.jws import is_by_secret
from channels.namespaces import BadNamespaces, Namespaces, Override
from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.exceptions import Disconnect, ProtocolError
from channels.tokens import (
    BadToken,
    ConnectionToken,
    ExpiredToken,
    KeysUnavailable,
    SubscriptionToken,
    Tokens,
)
from domain.kernel.feeds import Feeds
from server.host import Badge, BusinessHost
from server.orders import PARTNERS


class PartnerHost:
    """`channels.host.Host` over namespaces and partners' tokens."""

    def __init__(self, namespaces: Namespaces, tokens: Tokens) -> None:
        self.namespaces = namespaces
        self._tokens = tokens
        # All who follow a namespace's channels by flags alone share one.
        self._openings: dict[tuple[str, bool], Opening] = {}

    async def connect(self, token: str, data: bytes) -> Identity:
        """Tell who brings this token; without one, an anonymous user where those may come."""
        if not token:
            if not self.takes_anonymous:
                raise Disconnect(DisconnectCode.BAD_REQUEST, "a token is needed to connect")
            return Identity(user="", realm=PARTNERS)
        claims = await self._connection(token)
        try:
            return Identity(
                user=claims.sub,
                realm=PARTNERS,
                session=claims.jti,
                expires_at=claims.expires_at,
                info=claims.shown,
                subscriptions=self._server_side(claims),
            )
        except BadToken as bad:
            raise _turned_away(bad) from bad

    async def refresh(self, identity: Identity, token: str) -> Identity:
        """Tell who brings this new token; another person's ends the connection."""
        fresh = await self.connect(token, b"")
        if fresh.user != identity.user:
            raise Disconnect(DisconnectCode.INVALID_TOKEN, "this token belongs to somebody else")
        return fresh

    async def may(self, identity: Identity, channel: str, token: str, *, client: str) -> Opening:
        """Let somebody follow by their token, or by the flags of the namespace."""
        name = names.read(channel)
        self.namespaces.options(name)
        if token:
            return await self._by_token(identity, channel, token, client)
        if not self.namespaces.may_subscribe(channel, identity.user):
            raise ProtocolError(ErrorCode.PERMISSION_DENIED)
        return self._by_flags(channel, identity.user)

    async def glance(self, identity: Identity, channel: str) -> Opening:
        """Tell what somebody may do in a channel they do not follow."""
        return self.namespaces.glance(channel, identity.user)

    async def channel_of(self, identity: Identity, token: str) -> str:
        """Return the channel that a token is for."""
        return (await self._subscription(token)).channel

    async def first(self, identity: Identity, channel: str) -> bytes | None:
        """Channels of partners begin empty; what they say to a follower comes with the token."""
        return None

    async def call(self, identity: Identity, method: str, data: bytes) -> bytes:
        """Nobody stands behind partners' connections who could answer."""
        raise ProtocolError(ErrorCode.NOT_AVAILABLE)

    async def publish(self, identity: Identity, channel: str, data: bytes, *, granted: bool) -> Publishing:
        """Let somebody publish where the namespace does."""
        options = self.namespaces.options(names.read(channel))
        if not granted and not self.namespaces.may("publish", channel, identity.user, follows=False):
            raise ProtocolError(ErrorCode.PERMISSION_DENIED)
        return Publishing(data=data, history=options.history)

    async def send(self, identity: Identity, data: bytes) -> None:
        """Nobody stands behind partners' connections who could listen."""
        raise Disconnect(DisconnectCode.NOT_AVAILABLE)

    @property
    def takes_anonymous(self) -> bool:
        """Whether one may connect without a token."""
        return self.namespaces.insecure or self.namespaces.allow_anonymous_connect_without_token

    async def _by_token(self, identity: Identity, channel: str, token: str, client: str) -> Opening:
        claims = await self._subscription(token)
        if claims.channel != channel or claims.sub != identity.user:
            raise Disconnect(DisconnectCode.INVALID_TOKEN, "this token is for another channel or user")
        if claims.client and claims.client != client:
            raise Disconnect(DisconnectCode.INVALID_TOKEN, "this token is for another connection")
        try:
            return self._opening(
                channel, identity.user, claims.override, info=claims.shown, expires_at=claims.expires_at
            )
        except BadToken as bad:
            raise ProtocolError(ErrorCode.PERMISSION_DENIED) from bad

    def _server_side(self, claims: ConnectionToken) -> dict[str, Opening | None]:
        found: dict[str, Opening | None] = {}
        if personal := self.namespaces.personal_channel(claims.sub):
            found[personal] = self._by_flags(personal, claims.sub)
        for channel in claims.channels:
            found[channel] = self._by_flags(channel, claims.sub)
        for channel, one in claims.subs.items():
            found[channel] = self._opening(channel, claims.sub, one.override, info=one.shown, data=one.told)
        return found

    def _opening(
        self,
        channel: str,
        user: str,
        override: Override | None,
        *,
        info: bytes | None = None,
        data: bytes | None = None,
        expires_at: float | None = None,
    ) -> Opening:
        if override is None and info is None and data is None and expires_at is None:
            return self._by_flags(channel, user)
        opening = self.namespaces.opening(channel, user, override=override)
        return msgspec.structs.replace(opening, info=info, data=data, expires_at=expires_at)

    def _by_flags(self, channel: str, user: str) -> Opening:
        place = (names.read(channel).namespace, not user)
        if (opening := self._openings.get(place)) is None:
            opening = self._openings[place] = self.namespaces.opening(channel, user)
        return opening

    async def _connection(self, token: str) -> ConnectionToken:
        try:
            return await self._tokens.connection(token)
        except BadToken as bad:
            raise _turned_away(bad) from bad
        except KeysUnavailable as unknown:
            raise ProtocolError(ErrorCode.INTERNAL) from unknown

    async def _subscription(self, token: str) -> SubscriptionToken:
        try:
            return await self._tokens.subscription(token)
        except ExpiredToken as expired:
            raise ProtocolError(ErrorCode.TOKEN_EXPIRED) from expired
        except BadToken as bad:
            raise ProtocolError(ErrorCode.PERMISSION_DENIED) from bad
        except KeysUnavailable as unknown:
            raise ProtocolError(ErrorCode.INTERNAL) from unknown


class SharedHost:
    """`channels.host.Host` over the business and the partners of one house."""

    def __init__(self, business: BusinessHost, partners: PartnerHost, feeds: Feeds) -> None:
        check_shadows(partners.namespaces, feeds)
        self._business = business
        self._partners = partners
        self._feeds = feeds

    async def connect(self, token: str, data: bytes) -> Identity:
        """Tell who brings this token: one of ours, or else one of a partner."""
        if not token and self._partners.takes_anonymous:
            return await self._partners.connect(token, data)
        if is_by_secret(token):  # we sign with a key of our own, so it can only be a partner's
            return await self._partners.connect(token, data)
        try:
            return await self._business.connect(token, data)
        except Disconnect as refusal:
            if not token or refusal.code != DisconnectCode.INVALID_TOKEN:
                raise
        return await self._partners.connect(token, data)

    async def refresh(self, identity: Identity, token: str) -> Identity:
        """Take a new token from where the first one came."""
        return await self._of(identity).refresh(identity, token)

    async def may(self, identity: Identity, channel: str, token: str, *, client: str) -> Opening:
        """Open feeds to our own people, other channels to whom the namespaces and tokens let in."""
        if self._feeds.find(channel) is None:
            return await self._partners.may(identity, channel, token, client=client)
        _check_ours(identity)
        return await self._business.may(identity, channel, token, client=client)

    async def glance(self, identity: Identity, channel: str) -> Opening:
        """Tell what somebody may do in a channel they do not follow."""
        if self._feeds.find(channel) is None:
            return await self._partners.glance(identity, channel)
        _check_ours(identity)
        return await self._business.glance(identity, channel)

    async def channel_of(self, identity: Identity, token: str) -> str:
        """Feeds are opened without tokens, so it is a partner's."""
        return await self._partners.channel_of(identity, token)

    async def first(self, identity: Identity, channel: str) -> bytes | None:
        """Show what a feed shows first."""
        if self._feeds.find(channel) is None:
            return None
        return await self._business.first(identity, channel)

    async def call(self, identity: Identity, method: str, data: bytes) -> bytes:
        """Perform an operation for one of our own."""
        return await self._of(identity).call(identity, method, data)

    async def publish(self, identity: Identity, channel: str, data: bytes, *, granted: bool) -> Publishing:
        """Let somebody publish where the namespaces let them, and our own people say what a feed takes."""
        if self._feeds.find(channel) is None:
            return await self._partners.publish(identity, channel, data, granted=granted)
        _check_ours(identity)
        return await self._business.publish(identity, channel, data, granted=granted)

    async def send(self, identity: Identity, data: bytes) -> None:
        """Nobody listens."""
        await self._of(identity).send(identity, data)

    def _of(self, identity: Identity) -> BusinessHost | PartnerHost:
        return self._business if isinstance(identity.key, Badge) else self._partners


def check_shadows(namespaces: Namespaces, feeds: Feeds) -> None:
    """Refuse namespaces that hold channels of our own feeds; raises BadNamespaces."""
    ours = {template.partition(":")[0] for feed in feeds if ":" in (template := feed.template)}
    for name in namespaces.namespaces:
        if name in ours:
            raise BadNamespaces(f"`namespaces.{name}` has the name of one of our own feeds; choose another")
    personal = namespaces.personal_channel("1")
    if personal is not None and feeds.find(personal) is not None:
        raise BadNamespaces(
            "`personal_channel_namespace` must be set: the channels `#<user>` are our own feed's"
        )


def _check_ours(identity: Identity) -> None:
    if not isinstance(identity.key, Badge):
        raise ProtocolError(ErrorCode.PERMISSION_DENIED)


def _turned_away(bad: BadToken) -> ProtocolError | Disconnect:
    if isinstance(bad, ExpiredToken):
        return ProtocolError(ErrorCode.TOKEN_EXPIRED)
    return Disconnect(DisconnectCode.INVALID_TOKEN, "this token is not valid")
