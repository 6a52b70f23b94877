"""One-time tokens: the id of a row with a MAC by a key made of its purpose and salt; the row alone does not give it."""

import hmac
import struct
from datetime import timedelta
from typing import Final, Literal

from domain.identity.rules import seals
from domain.kernel.keys import Keys

Purpose = Literal["password-reset"]
LASTS: Final[dict[Purpose, timedelta]] = {"password-reset": timedelta(minutes=30)}
BODY = struct.Struct(">Q")
SALT_SIZE = 16


def issue(keys: Keys, purpose: Purpose, salt: bytes, token_id: int) -> str:
    """Return the token of a row; the same one each time, so that a repeated letter carries the same."""
    return seals.seal(_key(keys, purpose, salt), BODY.pack(token_id))


def id_in(token: str) -> int | None:
    """Return the row that a token speaks of, or None where it is no one-time token at all."""
    body = seals.unsealed(token, BODY.size)
    if body is None:
        return None
    (token_id,) = BODY.unpack(body)
    return token_id if token_id < 2**63 else None


def genuine(keys: Keys, purpose: Purpose, salt: bytes, token_id: int, token: str) -> bool:
    """Tell whether we made this token for this purpose from the row that has this salt."""
    return seals.genuine(_key(keys, purpose, salt), token, BODY.pack(token_id))


def _key(keys: Keys, purpose: Purpose, salt: bytes) -> bytes:
    return hmac.digest(keys.derive(f"one-time-token/{purpose}"), salt, "sha256")
