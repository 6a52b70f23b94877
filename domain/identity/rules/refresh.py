"""Refresh tokens: session id, counter and a MAC by the session's own key; nothing of them is stored.

1. A session's token of generation ``counter`` is the current one; spending it makes the next.
2. The one before it, within 30 s of the rotation, gets the current one again: replies get lost, and many tabs of
   a browser refresh at once.
3. Any older one means that two parties hold copies: the session ends.
"""

import hmac
import struct
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from domain.identity.rules import seals
from domain.kernel.keys import Keys

GRACE = timedelta(seconds=30)
LONGEST_LIFE = timedelta(days=90)
BODY = struct.Struct(">QI")

Judgement = Literal["rotate", "repeat", "reuse", "unknown"]


class Presented(msgspec.Struct, frozen=True):
    """What a token says of itself, not yet believed."""

    session_id: int
    counter: int
    token: str


def issue(keys: Keys, salt: bytes, session_id: int, counter: int) -> str:
    """Return the refresh token of one generation of a session; the same one each time."""
    return seals.seal(_key(keys, salt), BODY.pack(session_id, counter))


def read(token: str) -> Presented | None:
    """Return what ``token`` says of itself, or None where it is no refresh token at all."""
    body = seals.unsealed(token, BODY.size)
    if body is None:
        return None
    session_id, counter = BODY.unpack(body)
    return Presented(session_id, counter, token) if session_id < 2**63 else None


def genuine(keys: Keys, salt: bytes, presented: Presented) -> bool:
    """Tell whether we made this token for the session that has this salt."""
    body = BODY.pack(presented.session_id, presented.counter)
    return seals.genuine(_key(keys, salt), presented.token, body)


def judge(*, presented: int, current: int, rotated_at: datetime, now: datetime) -> Judgement:
    """Decide what a genuine token of generation ``presented`` brings about."""
    match current - presented:
        case 0:
            return "rotate"
        case 1 if now - rotated_at < GRACE:
            return "repeat"
        case age if age > 0:
            return "reuse"
        case _:
            return "unknown"


def expiry(*, created_at: datetime, now: datetime, idle_s: int) -> datetime:
    """Return when a session ends by itself: after ``idle_s`` without a refresh, and 90 days after its beginning."""
    return min(now + timedelta(seconds=idle_s), created_at + LONGEST_LIFE)


def _key(keys: Keys, salt: bytes) -> bytes:
    return hmac.digest(keys.derive("refresh-token"), salt, "sha256")
