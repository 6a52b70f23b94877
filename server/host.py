"""What connections ask of the business: who is this, what may they follow, what do they see, what do they want done."""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec
import structlog

from channels.host import NOTHING_FOLLOWED, Identity, Opening, Publishing
from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.exceptions import Disconnect, ProtocolError
from channels.stream import HistoryPolicy
from domain.kernel import params
from domain.kernel.caller import Caller
from domain.kernel.errors import DomainError, Forbidden, Invalid, TokenExpired, Unauthenticated
from domain.kernel.events import Closing
from domain.kernel.feeds import Feed, Feeds, View
from server.authenticate import Authenticator, Claims
from server.calls import Calls
from server.hub_numbers import HubNumbers
from server.signals import Signals

logger = structlog.get_logger(__name__)

PERMISSION_S: Final = 1.0
PERMISSIONS: Final = 20_000
KEY: Final = "idempotencyKey"


class Badge(msgspec.Struct, frozen=True):
    """What a connection holds: its token's claims, and the rights it was opened with."""

    claims: Claims
    caller: Caller


class Wish(msgspec.Struct, frozen=True):
    """What a client wants done without being answered."""

    method: str
    data: dict[str, Any] = {}


class BusinessHost:
    """`channels.host.Host` over the catalogue."""

    def __init__(
        self,
        calls: Calls,
        feeds: Feeds,
        authenticator: Authenticator,
        *,
        numbers: HubNumbers | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._runtime = calls.runtime
        self._feeds = feeds
        self._authenticator = authenticator
        self._numbers = numbers or HubNumbers()
        self._signals = Signals(calls.runtime, clock=clock)
        self._clock = clock
        self._allowed: dict[tuple[int, str], float] = {}
        # All who follow a feed share one.
        self._openings = {feed.template: _opening(feed) for feed in feeds}

    async def connect(self, token: str, data: bytes) -> Identity:
        """Tell who brings this access token; nobody connects without one."""
        if not token:
            raise Disconnect(DisconnectCode.PERMISSION_DENIED, "an access token is needed to connect")
        try:
            claims = self._authenticator.read(token)
            caller = await self._authenticator.caller(claims)
        except Unauthenticated as refusal:
            raise _turned_away(refusal) from refusal
        return Identity(
            user=str(claims.user_id),
            session=str(claims.session_id),
            expires_at=claims.expires_at,
            subscriptions={own: None} if self._feeds.find(own := f"#{claims.user_id}") else NOTHING_FOLLOWED,
            key=Badge(claims, caller),
        )

    async def refresh(self, identity: Identity, token: str) -> Identity:
        """Tell who brings this new token; another person's ends the connection."""
        fresh = await self.connect(token, b"")
        if fresh.user != identity.user:
            raise Disconnect(DisconnectCode.INVALID_TOKEN, "this token belongs to somebody else")
        return fresh

    async def may(self, identity: Identity, channel: str, token: str, *, client: str = "") -> Opening:
        """Let somebody follow a feed if its door does; a yes holds for a second."""
        feed, ids = self._find(channel)
        await self._admit(identity, channel, feed, ids)
        return self._openings[feed.template]

    async def glance(self, identity: Identity, channel: str) -> Opening:
        """Let somebody read what they might follow."""
        return await self.may(identity, channel, "")

    async def first(self, identity: Identity, channel: str) -> bytes | None:
        """Return what a new follower of the channel sees."""
        feed, ids = self._find(channel)
        if feed.begins is None:
            return None
        caller = await self._caller(identity)
        try:
            async with self._runtime.readers() as db:
                items = await feed.begins(self._runtime.context(caller, db), **ids)
        except DomainError as refusal:
            raise ProtocolError(ErrorCode.PERMISSION_DENIED, refusal.detail) from refusal
        return msgspec.json.encode(View(items))

    async def call(self, identity: Identity, method: str, data: bytes) -> bytes:
        """Perform an operation; what HTTP would answer as a problem is the error's message."""
        try:
            answer = await self._perform(identity, method, params.members(data))
        except DomainError as refusal:
            raise refused(refusal) from refusal
        return msgspec.json.encode(answer)

    async def channel_of(self, identity: Identity, token: str) -> str:
        """Feeds are opened by who one is, never by a token of their own."""
        raise ProtocolError(ErrorCode.BAD_REQUEST)

    async def publish(self, identity: Identity, channel: str, data: bytes, *, granted: bool) -> Publishing:
        """Let followers hear a signal, if the feed takes any; what a feed shows comes from facts alone."""
        feed, ids = self._find(channel)
        caller = await self._admit(identity, channel, feed, ids)
        try:
            heard = await self._signals.heard(feed, ids, caller, identity.key.claims.session_id, data)
        except Forbidden as refusal:
            raise ProtocolError(ErrorCode.PERMISSION_DENIED, refusal.detail) from refusal
        except DomainError as refusal:
            raise refused(refusal) from refusal
        self._numbers.signals += 1
        return Publishing(data=heard)

    async def send(self, identity: Identity, data: bytes) -> None:
        """Perform ``{"method": ..., "data": {...}}``; nobody is answered, and a refusal is only counted."""
        try:
            wish = params.read(data, Wish, {})
            assert isinstance(wish, Wish)
            await self._perform(identity, wish.method, wish.data)
        except DomainError as refusal:
            self._numbers.unheard += 1
            logger.info("nobody hears that this was refused", refusal=refusal.code, user=identity.user)

    def forget(self, closing: Closing | None) -> None:
        """Ask anew about somebody whose rights have changed, or about everybody."""
        if closing is None:
            self._authenticator.forget_all()
        else:
            self._authenticator.forget(closing)
        self._allowed.clear()

    async def standing(self, identity: Identity) -> Literal["same", "changed", "ended"]:
        """Tell what has become of the rights that a connection was opened with."""
        badge = identity.key
        if not isinstance(badge, Badge):
            return "same"  # a partner's: its rights are in its token
        try:
            now = await self._authenticator.caller(badge.claims)
        except Unauthenticated:
            return "ended"
        then = badge.caller
        return "same" if (now.roles, now.site_roles) == (then.roles, then.site_roles) else "changed"

    def _find(self, channel: str) -> tuple[Feed, dict[str, int]]:
        found = self._feeds.find(channel)
        if found is None or found[0].opens is None:
            raise ProtocolError(ErrorCode.UNKNOWN_CHANNEL)
        return found

    async def _caller(self, identity: Identity) -> Caller:
        """Return who is connected, as they are now; one whose session has ended is sent away."""
        badge: Badge = identity.key
        try:
            return await self._authenticator.caller(badge.claims)
        except Unauthenticated as refusal:
            raise Disconnect(DisconnectCode.INVALID_TOKEN, "the session has ended") from refusal

    async def _perform(self, identity: Identity, method: str, given: Mapping[str, Any]) -> Any:
        members = dict(given)
        key = _key(members.pop(KEY, None))
        caller = (await self._caller(identity)).seen_from(identity.address, identity.agent)
        return await self._calls.run(caller, method, members, key=key, correlation=secrets.token_hex(8))

    async def _admit(self, identity: Identity, channel: str, feed: Feed, ids: dict[str, int]) -> Caller:
        """Return who is at the door, if they may come in."""
        caller = await self._caller(identity)
        place = (identity.key.claims.session_id, channel)
        if self._allowed.get(place, 0.0) <= self._clock():
            await self._ask(feed, ids, caller)
            self._remember(place)
        return caller

    async def _ask(self, feed: Feed, ids: dict[str, int], caller: Caller) -> None:
        assert feed.opens is not None, "a feed without a door is not found"
        try:
            async with self._runtime.readers() as db:
                await feed.opens(self._runtime.context(caller, db), **ids)
        except DomainError as refusal:
            raise ProtocolError(ErrorCode.PERMISSION_DENIED, refusal.detail) from refusal

    def _remember(self, place: tuple[int, str]) -> None:
        if len(self._allowed) >= PERMISSIONS:
            self._allowed.clear()
        self._allowed[place] = self._clock() + PERMISSION_S


def _opening(feed: Feed) -> Opening:
    return Opening(history=HistoryPolicy(feed.remembers, feed.remembers_s) if feed.remembers else None)


def _turned_away(refusal: Unauthenticated) -> ProtocolError | Disconnect:
    if isinstance(refusal, TokenExpired):
        return ProtocolError(ErrorCode.TOKEN_EXPIRED)
    return Disconnect(DisconnectCode.INVALID_TOKEN, "this token is not valid")


def refused(refusal: DomainError) -> ProtocolError:
    """Tell a client over the socket what HTTP would tell it."""
    problem = refusal.problem()
    return ProtocolError(problem["status"], msgspec.json.encode(problem).decode())


def _key(given: Any) -> str | None:
    if given is None or isinstance(given, str):
        return given
    raise Invalid.field(KEY, "is a text")
