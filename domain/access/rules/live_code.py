"""A code that changes every 30 seconds, made by the phone from a secret that it keeps: it needs no signal.

The site has a key. From it comes one key per day (UTC), and from that a secret per pass and day: an offline gate holds
the keys of a few days and no secret of anybody; a phone holds its own secrets for the days of its pass. The code is
the first 4 bytes of HMAC-SHA256 over the number of the step. A screenshot is worth its step and those beside it, and
within them it does not open again the zone that it opened last.
"""

import hmac
from collections.abc import Mapping

from msgspec import Struct

STEP_S = 30
"""As TOTP (RFC 6238) has it: long enough to walk up to the gate, too short to sell the picture."""
DRIFT = 1
"""Steps that a phone's clock may be off, either way."""
SIZE = 4
_DAY_S = 86_400


class LiveCode(Struct, frozen=True):
    """What a phone shows beside its pass."""

    step: int
    code: bytes


class CodeFacts(Struct, frozen=True, kw_only=True):
    """A live code that came with the pass, as the decider finds it."""

    step: int
    genuine: bool
    """It was made with the secret of this pass."""
    used: bool = False
    """The pass went into this zone with this code, or with a later one, before."""


def step_of(now: float) -> int:
    """Returns the number of the step at `now` (Unix seconds)."""
    return int(now) // STEP_S


def day_of(step: int) -> int:
    """Returns the number of the day (UTC, since 1970) that a step is in."""
    return step * STEP_S // _DAY_S


def day_key(site_key: bytes, day: int) -> bytes:
    """Returns the key of one day of a site."""
    return hmac.digest(site_key, b"gatehouse live day v1\0" + day.to_bytes(4, "big"), "sha256")


def secret(key_of_day: bytes, pass_id: int) -> bytes:
    """Returns the secret of a pass for the day of the key."""
    return hmac.digest(key_of_day, b"gatehouse live pass v1\0" + pass_id.to_bytes(8, "big"), "sha256")


def code(secret_of_day: bytes, step: int) -> bytes:
    """Returns the code of one step."""
    return hmac.digest(secret_of_day, step.to_bytes(4, "big"), "sha256")[:SIZE]


def is_genuine(shown: LiveCode, pass_id: int, day_keys: Mapping[int, bytes]) -> bool:
    """Returns whether the phone of this pass made the code; a day whose key is not known makes none."""
    key = day_keys.get(day_of(shown.step))
    return key is not None and hmac.compare_digest(code(secret(key, pass_id), shown.step), shown.code)


def is_used(step: int, zone: int | None, *, last_step: int, last_zone: int | None) -> bool:
    """Returns whether a code was taken before: a later one was, or this one into the same zone.

    Into another zone the same code may go on: from the entrance to the door behind it is less than a step's time.
    """
    return step < last_step or (step == last_step and zone == last_zone)
