"""Decisions: what a gate is answered, within a millisecond or two, and how the answer was reached.

1. One query reads the facts, the pure rules decide.
2. An admit that takes something (an entry, a place, a rotating code) keeps it as a hold, by compare-and-swap on the
   counters read with the facts; where they have moved, the decision is made again on a fresh look.
3. The hold is keyed by the request, so that the same scan asked again, also after a crash, gets the same answer.
"""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from domain.access.operations.alarms import raise_alarm
from domain.access.queries.decision_facts import Asked, facts_of
from domain.access.rules import token
from domain.access.rules.credentials import Method, normalised
from domain.access.rules.decide import PASSAGE_WINDOW_S
from domain.access.rules.decide import decide as judge
from domain.access.rules.facts import Direction, Facts
from domain.access.rules.reasons import Reason
from domain.access.rules.verdict import Step, Verdict
from domain.access.tables.place import GateRow
from domain.kernel import queries
from domain.kernel.context import Context
from domain.kernel.direct import Row
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.operations import operation

LOOKS = 5


class Decision(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to one scan. ``watched``: its holder is on the watch-list, and somebody is to hear of it."""

    decision: str
    gate_id: int
    epoch: bytes
    rid: str
    method: str
    direction: str
    admit: bool
    reason: str
    grant_id: int | None
    initials: str
    opens_ms: int
    trace: Sequence[Step]
    watched: bool = False


@operation("access.decide", allow={"device"}, atomic=False, replays=False)
async def decide(
    ctx: Context,
    *,
    gate_id: int,
    epoch: bytes,
    rid: str,
    direction: Direction,
    presented: str,
    method: Method = "qr",
) -> Decision:
    """Decide whether a gate opens for the code, card, PIN or plate it was shown."""
    if ctx.caller.gate_id != gate_id:
        raise Forbidden(f"Only gate {gate_id} asks for gate {gate_id}")
    asked = _asked(gate_id, epoch, rid, direction, presented, method)
    for looks_left in reversed(range(LOOKS)):
        row = await ctx.row(
            queries.load("domain.access", "facts_for_decision"),
            {**msgspec.structs.asdict(asked), "now": ctx.now},
        )
        if row is None:
            raise NotFound(f"There is no gate {gate_id}")
        facts = facts_of(row, asked, ctx.now.timestamp())
        verdict = judge(facts, ctx.now.timestamp())
        if row["held_decision"] is not None:
            return _answer(asked, facts, row, row["held_decision"], _again(verdict))
        name = ctx.tools.random_bytes(8).hex()
        if not (verdict.admit and _takes(facts)):
            return _answer(asked, facts, row, name, verdict)
        if kept := await _hold(ctx, asked, facts, row, name):
            return _answer(asked, facts, row, kept, verdict)
        if not looks_left:
            undecided = Verdict(admit=False, reason=Reason.INTERNAL, trace=verdict.trace)
            return _answer(asked, facts, row, name, undecided)
    raise AssertionError("the last look answers")


@operation("access.write_decisions", allow={"service"}, replays=False)
async def write_decisions(ctx: Context, *, decisions: list[Decision]) -> None:
    """Keep how answers were reached, and tell of those on the watch-list; the gate is not kept waiting for it."""
    given = {
        "now": ctx.now,
        "ids": [one.decision for one in decisions],
        "gate_ids": [one.gate_id for one in decisions],
        "epochs": [one.epoch for one in decisions],
        "rids": [one.rid for one in decisions],
        "grant_ids": [one.grant_id for one in decisions],
        "methods": [one.method for one in decisions],
        "directions": [one.direction for one in decisions],
        "admits": [one.admit for one in decisions],
        "reasons": [one.reason for one in decisions],
        "traces": [msgspec.json.encode(one.trace).decode() for one in decisions],
    }
    await ctx.db.execute(queries.load("domain.access", "write_decisions"), given)
    # alarms are locked in one order
    for one in sorted((one for one in decisions if one.watched), key=lambda one: one.gate_id):
        await _tell_of_watched(ctx, one)


async def _tell_of_watched(ctx: Context, one: Decision) -> None:
    gate = await ctx.db.get_one(GateRow, one.gate_id)
    told = {"passId": one.grant_id, "decision": one.decision, "admit": one.admit, "direction": one.direction}
    await raise_alarm(ctx, "watch_list", site_id=gate.site_id, gate_id=gate.id, detail=told)


def _asked(
    gate_id: int, epoch: bytes, rid: str, direction: Direction, presented: str, method: Method
) -> Asked:
    key_id = pass_id = credential = None
    if method == "qr":
        key_id, pass_id = token.peek(presented) or (None, None)
    elif (plain := normalised(method, presented)) is not None:
        credential = f"{method}:{plain}"
    return Asked(
        gate_id=gate_id,
        epoch=epoch,
        rid=rid,
        direction=direction,
        presented=presented,
        method=method,
        key_id=key_id,
        pass_id=pass_id,
        credential=credential,
    )


def _takes(facts: Facts) -> bool:
    """Going out takes nothing; going in takes an entry, a place, or the one passage a pass may have open."""
    return facts.direction == "in" and facts.known is not None


async def _hold(ctx: Context, asked: Asked, facts: Facts, row: Row, name: str) -> str | None:
    counted = row["capacity"] is not None or row["two_person"]
    taken = await ctx.row(
        queries.load("domain.access", "take_hold"),
        {
            "gate_id": asked.gate_id,
            "epoch": asked.epoch,
            "rid": asked.rid,
            "grant_id": row["pass_id"],
            "pass_taken": row["pass_taken"],
            "zone_id": row["enters_id"],
            "limited_zone_id": row["enters_id"] if counted else None,
            "zone_taken": row["zone_taken"],
            "code_step": facts.code.step if facts.code is not None and facts.code.genuine else 0,
            "decision": name,
            "expires_at": ctx.now + timedelta(seconds=PASSAGE_WINDOW_S),
        },
    )
    return None if taken is None else str(taken["decision"])


def _again(verdict: Verdict) -> Verdict:
    """A request that holds something was admitted, whatever has changed since."""
    return Verdict(admit=True, reason=Reason.OK, trace=verdict.trace)


def _answer(asked: Asked, facts: Facts, row: Row, name: str, verdict: Verdict) -> Decision:
    known = facts.known
    holder: str = (row["holder_name"] or "") if known is not None else ""
    return Decision(
        decision=name,
        gate_id=asked.gate_id,
        epoch=asked.epoch,
        rid=asked.rid,
        method=asked.method,
        direction=asked.direction,
        admit=verdict.admit,
        reason=verdict.reason.value,
        grant_id=known.pass_id if known is not None else None,
        initials="".join(word[0] for word in holder.split()[:2]),
        opens_ms=int(PASSAGE_WINDOW_S * 1000) if verdict.admit else 0,
        trace=verdict.trace,
        watched=known is not None and (known.watched or known.blocked),
    )
