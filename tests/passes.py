"""Signed passes for tests of gates."""

import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.access.rules import token
from domain.access.rules.live_code import LiveCode
from domain.access.rules.token import PassClaim

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEYS = {"1": token.public_key_text(KEY.public_key())}


def a_pass(
    pass_id: int = 7,
    *,
    site_id: int = 1,
    zones: int = 1,
    begins_s: float = -60,
    minutes: int = 60,
    flags: int = 0,
) -> str:
    """A `qrToken` whose window begins so many seconds from now."""
    claim = PassClaim(
        key_id=1,
        pass_id=pass_id,
        site_id=site_id,
        zones=zones,
        not_before=int(time.time() + begins_s),
        minutes=minutes,
        flags=flags,
    )
    return token.as_base64url(token.sign(claim, KEY))


def with_live_code(raw: bytes, shown: LiveCode) -> bytes:
    """The bytes that a phone shows at this step."""
    return raw + shown.step.to_bytes(4, "big") + shown.code
