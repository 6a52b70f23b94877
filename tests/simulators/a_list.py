"""Lists of passes for tests of gates, signed as the server signs them."""

import time
from typing import Any

import msgspec

from domain.access.rules import live_code
from domain.access.rules.listing import EMPTY, Listed, toggled
from domain.access.rules.orders import ALL_GATES, Purpose, sign
from gate_bridge import wire
from tests.passes import KEY, PUBLIC_KEYS

SITE = 1
KEY_ID = int(next(iter(PUBLIC_KEYS)))
CREDENTIAL_KEY, LIVE_KEY = bytes(range(32)), bytes(range(32, 64))
DAY_S = 86_400


def line(pass_id: int, **changes: Any) -> Listed:
    """A pass of the hall that is good for an hour from now."""
    now = int(time.time())
    given: dict[str, Any] = {"zones": 1, "valid_from": now - 60, "valid_until": now + 3600}
    return Listed(pass_id=pass_id, **(given | changes))


def signed(purpose: Purpose, **members: Any) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(members) | {"k": KEY_ID}
    return told | {"sig": sign(purpose, SITE, ALL_GATES, told, KEY)}


def head(revision: int, lines: list[Listed], *, lasts_s: float = DAY_S, **more: Any) -> dict[str, Any]:
    """The head of a list of these lines."""
    now = time.time()
    today = live_code.day_of(live_code.step_of(now))
    members = {
        "rev": revision,
        "n": len(lines),
        "h": toggled(EMPTY, lines).hex(),
        "t": int(now * 1000),
        "exp": max(0, int((now + lasts_s) * 1000)),
        "tz": "Europe/Moscow",
        "ck": CREDENTIAL_KEY.hex(),
        "lks": {str(day): live_code.day_key(LIVE_KEY, day).hex() for day in range(today - 1, today + 3)},
    }
    return signed("list", **(members | more))


def delta(since: int, revision: int, put: list[Listed], gone: tuple[int, ...] = ()) -> dict[str, Any]:
    return signed("list delta", **{"from": since, "to": revision, "put": put, "gone": gone})


def chunk(
    revision: int, put: list[Listed], *, since: int = 0, i: int = 1, of: int = 1, gone: tuple[int, ...] = ()
) -> dict[str, Any]:
    return signed(
        "list chunk", **{"rev": revision, "from": since, "i": i, "of": of, "put": put, "gone": gone}
    )


def topic(leg: wire.Leg, gate_id: int = 1) -> str:
    return wire.topic(SITE, wire.ALL_GATES if leg in wire.FOR_ALL else gate_id, leg)
