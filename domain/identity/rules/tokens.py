"""Access tokens: EdDSA JWTs that name a person and a session; what they may do is looked up, not written inside."""

from datetime import datetime
from functools import lru_cache
from typing import Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.kernel.errors import TokenExpired, Unauthenticated
from domain.kernel.keys import Keys

ALGORITHM: Final = "EdDSA"
PARTY: Final = "gatehouse"
KIND: Final = "access"
CLAIMS: Final = ["sub", "sid", "iat", "exp", "aud", "iss", "typ"]
# How far the clocks of two hosts of one installation may differ.
LEEWAY_S: Final = 10


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid access token says; times in unix seconds."""

    user_id: int
    session_id: int
    issued_at: int
    expires_at: int


def issue(keys: Keys, *, user_id: int, session_id: int, now: datetime, lasts_s: int) -> str:
    """Return the access token of a session, valid for ``lasts_s`` from ``now``; equal arguments make an equal token."""
    issued_at = int(now.timestamp())
    claims = {
        "sub": str(user_id),
        "sid": session_id,
        "iat": issued_at,
        "exp": issued_at + lasts_s,
        "aud": PARTY,
        "iss": PARTY,
        "typ": KIND,
    }
    return jwt.encode(claims, _private(keys), algorithm=ALGORITHM)


def read(keys: Keys, token: str, now: datetime) -> Claims:
    """Return what a token says if we issued it and it has not expired.

    Raises:
        Unauthenticated: It is not ours, or not an access token.
        TokenExpired: Its time is over.
    """
    try:
        found = jwt.decode(
            token,
            _public(keys),
            algorithms=[ALGORITHM],
            audience=PARTY,
            issuer=PARTY,
            # Times are compared below, with the clock we were given.
            options={"require": CLAIMS, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        said = Claims(
            user_id=int(found["sub"]),
            session_id=int(found["sid"]),
            issued_at=int(found["iat"]),
            expires_at=int(found["exp"]),
        )
    except (jwt.InvalidTokenError, TypeError, ValueError) as error:
        raise Unauthenticated("The access token is not valid") from error
    if found["typ"] != KIND or said.issued_at > now.timestamp() + LEEWAY_S:
        raise Unauthenticated("The access token is not valid")
    if said.expires_at <= now.timestamp():
        raise TokenExpired("The access token has expired")
    return said


@lru_cache(maxsize=4)
def _private(keys: Keys) -> Ed25519PrivateKey:
    return keys.signing("access-token")


@lru_cache(maxsize=4)
def _public(keys: Keys) -> Ed25519PublicKey:
    return _private(keys).public_key()
