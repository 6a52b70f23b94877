"""Tokens that partners' back ends sign for their users: who connects, and who may follow one channel.

1. A key decides the algorithms it is good for, never the token: a shared secret verifies HS alone, a public key only
   the family and curve it is made for, and `none` is no algorithm.
2. The signature is checked before anything of the token is believed; its times are checked with our own clock.
3. A connection token names no channel and a subscription token always does, so neither passes for the other.
"""

import base64
import binascii
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Raw, Struct

from channels.jws import Malformed, take_apart
from channels.namespaces import Override

SECRET: Final = ("HS256", "HS384", "HS512")
RSA: Final = ("RS256", "RS384", "RS512")
CURVES: Final = {"secp256r1": ("ES256",), "secp384r1": ("ES384",), "secp521r1": ("ES512",)}
EDWARDS: Final = ("EdDSA",)
LONGEST: Final = 16_384
NO_BYTES: Final = Raw()

Key = Any  # a shared secret, or one of cryptography's public keys
C = TypeVar("C", "ConnectionToken", "SubscriptionToken")


class BadToken(Exception):
    """A token that is not to be believed, or not one of this kind."""


class ExpiredToken(BadToken):
    """A well-signed token whose time is over."""


class KeysUnavailable(Exception):
    """It cannot be told now whether a token is good, since the keys cannot be fetched."""


class Expiring(Struct, frozen=True, kw_only=True):
    """What both kinds of tokens say."""

    sub: str = ""
    """The user; empty for an anonymous one."""
    exp: float | None = None
    """Unix seconds from which the token is void."""
    nbf: float | None = None
    expire_at: float | None = None
    """Unix seconds at which what it opened ends, instead of ``exp``; 0 is never."""
    jti: str = ""
    iss: str = ""
    aud: str | list[str] = ""
    info: Raw = NO_BYTES
    b64info: str = ""

    @property
    def expires_at(self) -> float | None:
        """When what was opened by the token ends, in Unix seconds; None is never."""
        return self.exp if self.expire_at is None else (self.expire_at or None)

    @property
    def shown(self) -> bytes | None:
        """What others see of its bearer; raises BadToken."""
        return _bytes(self.info, self.b64info)


class ServerSide(Struct, frozen=True, kw_only=True):
    """A channel that a connection token has its bearer follow."""

    info: Raw = NO_BYTES
    b64info: str = ""
    data: Raw = NO_BYTES
    b64data: str = ""
    override: Override | None = None

    @property
    def shown(self) -> bytes | None:
        """What others in the channel see of the follower; raises BadToken."""
        return _bytes(self.info, self.b64info)

    @property
    def told(self) -> bytes | None:
        """What the follower is told; raises BadToken."""
        return _bytes(self.data, self.b64data)


class ConnectionToken(Expiring, frozen=True, kw_only=True):
    """The claims of somebody who connects."""

    channels: list[str] = []
    subs: dict[str, ServerSide] = {}
    meta: Raw = NO_BYTES
    channel: str = ""


class SubscriptionToken(Expiring, frozen=True, kw_only=True):
    """The claims of somebody who follows one channel."""

    channel: str = ""
    client: str = ""
    override: Override | None = None


class Keys(Protocol):
    """Where keys come from."""

    async def find(self, algorithm: str, kid: str | None) -> Sequence[Key]:
        """Return the keys that may have signed a token with this header; raises KeysUnavailable."""


class FixedKeys:
    """Keys that were configured.

    ``secret`` is shared with whoever signs; ``pem`` holds the public key of one who signs alone, as PEM. A text that
    is no such key raises ValueError, a kind that no token is signed with too.
    """

    def __init__(self, *, secret: str = "", pem: bytes = b"") -> None:
        self._secret = secret.encode()
        self._public = load_pem_public_key(pem) if pem else None
        if self._public is not None and not algorithms_of(self._public):
            raise ValueError("this kind of key signs no tokens")

    async def find(self, algorithm: str, kid: str | None) -> Sequence[Key]:
        """Return the secret for HS, the public key for what it is made for."""
        if algorithm in SECRET:
            return [self._secret] if self._secret else []
        return [self._public] if algorithm in algorithms_of(self._public) else []


def algorithms_of(key: Key) -> tuple[str, ...]:
    """Return the algorithms that a public key is good for."""
    match key:
        case RSAPublicKey():
            return RSA
        case EllipticCurvePublicKey():
            return CURVES.get(key.curve.name, ())
        case Ed25519PublicKey() | Ed448PublicKey():
            return EDWARDS
        case _:
            return ()


class Tokens:
    """Reads tokens; ``audience`` and ``issuer`` must be in them where they are given."""

    def __init__(
        self,
        *keys: Keys,
        audience: str = "",
        issuer: str = "",
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._audience = audience
        self._issuer = issuer
        self._wall = wall
        self._signatures = jwt.PyJWS(
            algorithms=[*SECRET, *RSA, *(a for c in CURVES.values() for a in c), *EDWARDS]
        )
        self._connections = msgspec.json.Decoder(ConnectionToken)
        self._subscriptions = msgspec.json.Decoder(SubscriptionToken)

    async def connection(self, token: str) -> ConnectionToken:
        """Read who connects; raises BadToken, ExpiredToken, KeysUnavailable."""
        claims = self._believed(await self._payload(token), self._connections)
        if claims.channel:
            raise BadToken("a subscription token opens no connection")
        return claims

    async def subscription(self, token: str) -> SubscriptionToken:
        """Read who follows a channel; raises BadToken, ExpiredToken, KeysUnavailable."""
        claims = self._believed(await self._payload(token), self._subscriptions)
        if not claims.channel:
            raise BadToken("a connection token opens no channel")
        return claims

    async def _payload(self, token: str) -> bytes:
        if not token or len(token) > LONGEST:
            raise BadToken("no token, or one that is too long")
        try:
            parts = take_apart(token)
        except Malformed as error:
            raise BadToken(str(error)) from error
        algorithm = parts.header.alg
        for source in self._keys:
            for key in await source.find(algorithm, parts.header.kid):
                if algorithm in SECRET:
                    if parts.is_of(key):
                        return parts.payload
                    continue
                try:
                    payload: bytes = self._signatures.decode_complete(token, key, [algorithm])["payload"]
                except (jwt.InvalidTokenError, jwt.InvalidKeyError):
                    continue
                return payload
        raise BadToken("no key of ours has signed it")

    def _believed(self, payload: bytes, decoder: msgspec.json.Decoder[C]) -> C:
        try:
            claims = decoder.decode(payload)
        except msgspec.MsgspecError as error:
            raise BadToken(str(error)) from error
        audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if self._audience and self._audience not in audience:
            raise BadToken("it is for another audience")
        if self._issuer and self._issuer != claims.iss:
            raise BadToken("it comes from another issuer")
        if claims.nbf is not None and claims.nbf > self._wall():
            raise BadToken("it is not valid yet")
        if claims.exp is not None and claims.exp <= self._wall():
            raise ExpiredToken("its time is over")
        return claims


def _bytes(raw: Raw, encoded: str) -> bytes | None:
    if not encoded:
        found = bytes(raw)
        # A newline parts messages in a frame; in JSON it can only stand between tokens.
        return found.replace(b"\n", b"").replace(b"\r", b"") if found not in (b"", b"null") else None
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadToken("what should be base64 is not") from error
