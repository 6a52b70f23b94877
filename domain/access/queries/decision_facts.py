"""From the one row that a decision reads to the facts that the rules look at."""

from functools import lru_cache
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.access.rules import live_code, token
from domain.access.rules.credentials import Credential, Method
from domain.access.rules.facts import Facts, GateFacts, PassFacts, ZoneFacts
from domain.access.rules.hours import Hours, WallClock, same_day, wall_clock
from domain.access.rules.live_code import CodeFacts
from domain.access.rules.reasons import Reason
from domain.access.rules.token import PassClaim
from domain.kernel.direct import Row

REMEMBERED = 20_000
"""Codes whose signatures need not be checked again."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate asks, and what can be read off it without asking the database."""

    gate_id: int
    epoch: bytes
    rid: str
    direction: Literal["in", "out"]
    presented: str
    method: Method
    key_id: int | None
    pass_id: int | None
    credential: str | None
    """A card, PIN or plate as it is digested; None where it cannot be one."""


def facts_of(row: Row, asked: Asked, now: float) -> Facts:
    """Return what is to be decided on; ``row`` is that of `facts_for_decision.sql`."""
    claim = _claim(row, asked)
    return Facts(
        token=claim,
        # A code that nobody of ours signed is about no pass, whatever it says: else a forger names a guest of ours.
        known=None if isinstance(claim, Reason) else _known(row),
        gate=GateFacts(
            gate_id=asked.gate_id, site_id=row["site_id"], mode=row["mode"], enabled=row["enabled"]
        ),
        direction=asked.direction,
        leaves=row["leaves"],
        enters=_entered(row, now),
        clock=_clock(row, now),
        code=_code(row, asked, claim),
        escorted=bool(row["escorted"]),
        accompanied=bool(row["accompanied"]),
        failures=row["failures"],
    )


def _claim(row: Row, asked: Asked) -> PassClaim | Credential | Reason:
    if asked.method == "qr":
        return _read(asked.presented, asked.key_id, row["seed"])
    if row["pass_id"] is None:
        return Reason.UNKNOWN
    return Credential(method=asked.method, pass_id=row["pass_id"])


@lru_cache(maxsize=REMEMBERED)
def _read(presented: str, key_id: int | None, seed: bytes | None) -> PassClaim | Reason:
    """What a code says, once its signature was checked; the same code under the same key says the same for ever."""
    return token.read(presented, {} if key_id is None or seed is None else {key_id: _public(seed)})


@lru_cache(maxsize=256)
def _public(seed: bytes) -> Ed25519PublicKey:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key()


@lru_cache(maxsize=256)
def _hours(text: str | None) -> Hours | None:
    return None if text is None else msgspec.json.decode(text, type=Hours)


def _known(row: Row) -> PassFacts | None:
    if row["pass_id"] is None:
        return None
    return PassFacts(
        pass_id=row["pass_id"],
        site_id=row["pass_site_id"],
        zones=row["zones"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        entries=row["entries"],
        hours=_hours(row["pass_hours"]),
        passback=row["passback"],
        revoked=row["revoked"],
        blocked=row["watch"] == "refuse",
        watched=row["watch"] == "alert",
        unpaid=row["unpaid"],
        needs_escort=row["needs_escort"],
        live_code=row["live_code"],
        opens=row["opens"],
        entered=row["entered"],
        held=row["held"],
        inside_zone=row["inside_zone"],
        moved_at=row["moved_at"],
    )


def _entered(row: Row, now: float) -> ZoneFacts | None:
    if row["enters_id"] is None:
        return None
    opened_at = row["opened_at"]
    return ZoneFacts(
        ordinal=row["enters"],
        capacity=row["capacity"],
        inside=max(row["inside"], 0),
        held=row["zone_held"],
        hours=_hours(row["zone_hours"]),
        passback=row["zone_passback"],
        passback_s=60 * (row["passback_minutes"] or 0),
        in_order=row["in_order"],
        first_person=row["first_person"],
        opened=opened_at is not None and same_day(opened_at, now, row["time_zone"] or "UTC"),
        two_person=row["two_person"],
    )


def _clock(row: Row, now: float) -> WallClock | None:
    if row["time_zone"] is None or (row["pass_hours"] is None and row["zone_hours"] is None):
        return None
    return wall_clock(now, row["time_zone"], row["holidays"])


def _code(row: Row, asked: Asked, claim: PassClaim | Credential | Reason) -> CodeFacts | None:
    shown = token.live_code_of(asked.presented) if asked.method == "qr" else None
    if shown is None or not isinstance(claim, PassClaim) or row["live_key"] is None:
        return None
    day = live_code.day_of(shown.step)
    genuine = live_code.is_genuine(shown, claim.pass_id, {day: live_code.day_key(row["live_key"], day)})
    used = row["pass_id"] is not None and live_code.is_used(
        shown.step, row["enters_id"], last_step=row["code_step"], last_zone=row["code_zone_id"]
    )
    return CodeFacts(step=shown.step, genuine=genuine, used=used)
