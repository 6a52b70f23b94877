"""Decisions: what a gate is answered, within a millisecond or two, and how the answer was reached.

1. One query reads the facts, the pure rules decide.
2. An admit that takes something (an entry, a place) keeps it as a hold, by compare-and-swap on the counters read
   with the facts; where they have moved, the decision is made again on a fresh look.
3. The hold is keyed by the request, so that the same scan asked again, also after a crash, gets the same answer.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.access.rules import token
from domain.access.rules.decide import PASSAGE_WINDOW_S
from domain.access.rules.decide import decide as judge
from domain.access.rules.facts import Facts, GateFacts, PassFacts, ZoneFacts
from domain.access.rules.reasons import Reason
from domain.access.rules.token import PassClaim
from domain.access.rules.verdict import Step, Verdict
from domain.kernel import queries
from domain.kernel.context import Context
from domain.kernel.direct import Row
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.operations import operation

LOOKS = 5
REMEMBERED = 20_000
"""Codes whose signatures need not be checked again."""
Direction = Literal["in", "out"]


class Decision(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to one scan."""

    decision: str
    gate_id: int
    epoch: bytes
    rid: str
    direction: str
    admit: bool
    reason: str
    grant_id: int | None
    initials: str
    opens_ms: int
    trace: Sequence[Step]


@operation("access.decide", allow={"device"}, atomic=False, replays=False)
async def decide(
    ctx: Context, *, gate_id: int, epoch: bytes, rid: str, direction: Direction, presented: str
) -> Decision:
    """Decide whether a gate opens for the code it was shown."""
    if ctx.caller.gate_id != gate_id:
        raise Forbidden(f"Only gate {gate_id} asks for gate {gate_id}")
    key_id, pass_id = token.peek(presented) or (None, None)
    asked = {"gate_id": gate_id, "epoch": epoch, "rid": rid, "direction": direction}
    for looks_left in reversed(range(LOOKS)):
        look = queries.load("domain.access", "facts_for_decision")
        row = await ctx.row(look, {**asked, "pass_id": pass_id, "key_id": key_id, "now": ctx.now})
        if row is None:
            raise NotFound(f"There is no gate {gate_id}")
        facts = _facts(row, gate_id, direction, presented, key_id)
        verdict = judge(facts, ctx.now.timestamp())
        if row["held_decision"] is not None:
            return _answer(asked, facts, row, row["held_decision"], _again(verdict))
        name = ctx.tools.random_bytes(8).hex()
        if not (verdict.admit and _takes(facts)):
            return _answer(asked, facts, row, name, verdict)
        if kept := await _hold(ctx, asked, row, name):
            return _answer(asked, facts, row, kept, verdict)
        if not looks_left:
            undecided = Verdict(admit=False, reason=Reason.INTERNAL, trace=verdict.trace)
            return _answer(asked, facts, row, name, undecided)
    raise AssertionError("the last look answers")


@operation("access.write_decisions", allow={"service"}, replays=False)
async def write_decisions(ctx: Context, *, decisions: list[Decision]) -> None:
    """Keep how answers were reached; the gate is not kept waiting for it."""
    given = {
        "now": ctx.now,
        "ids": [one.decision for one in decisions],
        "gate_ids": [one.gate_id for one in decisions],
        "epochs": [one.epoch for one in decisions],
        "rids": [one.rid for one in decisions],
        "grant_ids": [one.grant_id for one in decisions],
        "directions": [one.direction for one in decisions],
        "admits": [one.admit for one in decisions],
        "reasons": [one.reason for one in decisions],
        "traces": [msgspec.json.encode(one.trace).decode() for one in decisions],
    }
    await ctx.db.execute(queries.load("domain.access", "write_decisions"), given)


def _facts(row: Row, gate_id: int, direction: Direction, presented: str, key_id: int | None) -> Facts:
    claim = _read(presented, key_id, row["seed"])
    return Facts(
        token=claim,
        # A code that nobody of ours signed is about no pass, whatever it says: else a forger names a guest of ours.
        known=None if isinstance(claim, Reason) else _known(row),
        gate=GateFacts(gate_id=gate_id, site_id=row["site_id"], mode=row["mode"], enabled=row["enabled"]),
        direction=direction,
        leaves=row["leaves"],
        enters=_entered(row),
    )


@lru_cache(maxsize=REMEMBERED)
def _read(presented: str, key_id: int | None, seed: bytes | None) -> PassClaim | Reason:
    """What a code says, once its signature was checked; the same code under the same key says the same for ever."""
    return token.read(presented, {} if key_id is None or seed is None else {key_id: _public(seed)})


@lru_cache(maxsize=256)
def _public(seed: bytes) -> Ed25519PublicKey:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key()


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
        passback=row["passback"],
        revoked=row["revoked"],
        entered=row["entered"],
        held=row["held"],
        inside_zone=row["inside_zone"],
    )


def _entered(row: Row) -> ZoneFacts | None:
    if row["enters_id"] is None:
        return None
    return ZoneFacts(
        ordinal=row["enters"], capacity=row["capacity"], inside=max(row["inside"], 0), held=row["zone_held"]
    )


def _takes(facts: Facts) -> bool:
    """Going out takes nothing; going in takes an entry, a place, or the one passage a pass may have open."""
    return facts.direction == "in" and facts.known is not None


async def _hold(ctx: Context, asked: dict[str, Any], row: Row, name: str) -> str | None:
    taken = await ctx.row(
        queries.load("domain.access", "take_hold"),
        {
            **asked,
            "grant_id": row["pass_id"],
            "pass_taken": row["pass_taken"],
            "limited_zone_id": row["enters_id"] if row["capacity"] is not None else None,
            "zone_taken": row["zone_taken"],
            "decision": name,
            "expires_at": ctx.now + timedelta(seconds=PASSAGE_WINDOW_S),
        },
    )
    return None if taken is None else str(taken["decision"])


def _again(verdict: Verdict) -> Verdict:
    """A request that holds something was admitted, whatever has changed since."""
    return Verdict(admit=True, reason=Reason.OK, trace=verdict.trace)


def _answer(asked: dict[str, Any], facts: Facts, row: Row, name: str, verdict: Verdict) -> Decision:
    guest = (row["guest_name"] or "") if facts.known is not None else ""
    return Decision(
        decision=name,
        gate_id=asked["gate_id"],
        epoch=asked["epoch"],
        rid=asked["rid"],
        direction=asked["direction"],
        admit=verdict.admit,
        reason=verdict.reason.value,
        grant_id=facts.known.pass_id if facts.known is not None else None,
        initials="".join(word[0] for word in guest.split()[:2]),
        opens_ms=int(PASSAGE_WINDOW_S * 1000) if verdict.admit else 0,
        trace=verdict.trace,
    )
