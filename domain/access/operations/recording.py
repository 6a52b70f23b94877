"""Recording: what gates report goes into the log, once each, with all that follows from it.

1. An event is known by (gate, epoch, seq). The same again is a repeat; the same with another hash is a contradiction
   (a cloned gate): both are kept, the second in quarantine, and an alarm is raised.
2. Only events that were new move anything: holds, grants, guests, visits, zones.
3. Rows are locked in the order journals, guest passes, grants, zones, each sorted by id.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.access.events import AccessRecorded
from domain.access.operations.alarms import clear_alarm, raise_alarm
from domain.access.operations.double_use import look_for_double_use
from domain.access.operations.gate_conditions import is_told
from domain.access.operations.journals import Journal, advance_journals
from domain.access.operations.openings import open_zones
from domain.access.operations.passages import Gate, Passage, walk
from domain.access.operations.seal import moment_of_receipt
from domain.access.rules.passage import moment
from domain.access.tables.place import GateRow
from domain.access.tables.record import AccessKeyRow, QuarantineRow
from domain.kernel import queries
from domain.kernel.context import Context
from domain.kernel.operations import operation

ENDS_A_HOLD = {"passage", "no_passage"}


class GateEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of a gate's journal, as it came.

    ``at_gate_id`` is the gate that people passed where the desk wrote it down for another gate, ``at_zone_id`` the
    zone that the desk wrote about.
    """

    gate_id: int
    epoch: bytes
    seq: int
    at: datetime
    clock: str
    kind: str
    source: str
    historical: bool
    canonical: bytes
    previous_hash: bytes
    hash: bytes
    rid: str | None = None
    decision: str | None = None
    direction: str | None = None
    admit: bool | None = None
    reason: str | None = None
    grant_id: int | None = None
    salt: bytes | None = None
    at_gate_id: int | None = None
    at_zone_id: int | None = None
    detail: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def key(self) -> tuple[int, bytes, int]:
        """What the event is known by."""
        return self.gate_id, self.epoch, self.seq

    @property
    def passed_gate_id(self) -> int:
        """The gate that people walked through."""
        return self.at_gate_id or self.gate_id


class Poison(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message that cannot be read, kept whole; with (epoch, seq) where that much is known."""

    topic: str
    reason: str
    payload: bytes
    gate_id: int | None = None
    epoch: bytes | None = None
    seq: int | None = None


@operation("access.record", allow={"service"}, recorded=True, replays=False)
async def record(ctx: Context, *, events: list[GateEvent], poison: list[Poison]) -> list[Journal]:
    """Write what gates report into the log; return for each journal up to where nothing is missing.

    Events of gates that are not known go to quarantine. Returning means committed: gates may then forget.
    """
    ctx.now = await moment_of_receipt(ctx)
    named = {event.gate_id for event in events} | {event.passed_gate_id for event in events}
    gates = await _gates(ctx, named | {p.gate_id for p in poison if p.gate_id})
    known = [event for event in events if event.gate_id in gates]
    strangers = [event for event in events if event.gate_id not in gates]
    distinct = {event.key: event for event in reversed(known)}
    batch = [distinct[key] for key in dict.fromkeys(event.key for event in known)]
    fresh = await _write(ctx, batch, gates)
    contradictions = await _contradictions(ctx, known, {batch[place].key for place, _ in fresh}, distinct)
    await _quarantine(ctx, poison, strangers, contradictions, gates)
    stepped_over = await _step_over(ctx, poison, gates)
    journals = await advance_journals(ctx, [event.key for event in batch] + stepped_over)
    logged = [(access_id, batch[place]) for place, access_id in fresh]
    await _follow(ctx, logged, gates)
    return journals


async def _gates(ctx: Context, ids: set[int]) -> dict[int, Gate]:
    chosen = select(GateRow.id, GateRow.site_id, GateRow.from_zone_id, GateRow.to_zone_id)
    rows = await ctx.db.execute(chosen.where(GateRow.id.in_(ids)))
    return {row[0]: Gate(*row) for row in rows}


async def _write(
    ctx: Context, batch: Sequence[GateEvent], gates: Mapping[int, Gate]
) -> list[tuple[int, int]]:
    if not batch:
        return []
    rows = await ctx.db.execute(
        queries.load("domain.access", "write_access_log"),
        {
            "now": ctx.now,
            "gate_ids": [e.gate_id for e in batch],
            "epochs": [e.epoch for e in batch],
            "seqs": [e.seq for e in batch],
            "hashes": [e.hash for e in batch],
            "previous_hashes": [e.previous_hash for e in batch],
            "canonicals": [e.canonical for e in batch],
            "site_ids": [gates[e.gate_id].site_id for e in batch],
            "ats": [e.at for e in batch],
            "clocks": [e.clock for e in batch],
            "kinds": [e.kind for e in batch],
            "rids": [e.rid for e in batch],
            "decisions": [e.decision for e in batch],
            "sources": [e.source for e in batch],
            "historicals": [e.historical for e in batch],
            "directions": [e.direction for e in batch],
            "zone_ids": [e.at_zone_id or _entered_zone(gates[e.passed_gate_id], e.direction) for e in batch],
            "admits": [e.admit for e in batch],
            "reasons": [e.reason for e in batch],
            "grant_ids": [e.grant_id for e in batch],
            "salts": [e.salt for e in batch],
            "details": [msgspec.json.encode(e.detail).decode() for e in batch],
        },
    )
    return [(int(place), int(access_id)) for place, access_id in rows]


def _entered_zone(gate: Gate, direction: str | None) -> int | None:
    if direction is None:
        return None
    return gate.to_zone_id if direction == "in" else gate.from_zone_id


async def _contradictions(
    ctx: Context,
    known: Sequence[GateEvent],
    fresh: set[tuple[int, bytes, int]],
    distinct: Mapping[tuple[int, bytes, int], GateEvent],
) -> list[GateEvent]:
    inside = [event for event in known if event.hash != distinct[event.key].hash]
    repeated = [event for event in distinct.values() if event.key not in fresh]
    if not repeated:
        return inside
    given = {
        "gate_ids": [event.gate_id for event in repeated],
        "epochs": [event.epoch for event in repeated],
        "seqs": [event.seq for event in repeated],
    }
    rows = await ctx.db.execute(queries.load("domain.access", "find_hashes"), given)
    stored = {(row[0], row[1], row[2]): row[3] for row in rows}
    return inside + [event for event in repeated if stored.get(event.key) != event.hash]


async def _quarantine(
    ctx: Context,
    poison: Sequence[Poison],
    strangers: Sequence[GateEvent],
    contradictions: Sequence[GateEvent],
    gates: Mapping[int, Gate],
) -> None:
    rows = [(p.topic, p.gate_id, p.reason, p.payload) for p in poison]
    rows += [("up/evt", e.gate_id, "gate: there is no such gate", e.canonical) for e in strangers]
    rows += [
        ("up/evt", e.gate_id, f"hash: event {e.seq} was reported before with another content", e.canonical)
        for e in contradictions
    ]
    for gate_id in sorted({event.gate_id for event in contradictions}):
        await raise_alarm(ctx, "contradiction", site_id=gates[gate_id].site_id, gate_id=gate_id)
    if rows:
        fields = ("topic", "gate_id", "reason", "payload")
        values = [dict(zip(fields, row, strict=True)) | {"received_at": ctx.now} for row in rows]
        await ctx.db.execute(insert(QuarantineRow), values)


async def _step_over(
    ctx: Context, poison: Sequence[Poison], gates: Mapping[int, Gate]
) -> list[tuple[int, bytes, int]]:
    """An unreadable event that says its number counts as received, else its journal would wait for it for ever."""
    claimed = {
        (p.gate_id, p.epoch, p.seq): sha256(p.payload).digest()
        for p in poison
        if p.gate_id in gates and p.gate_id is not None and p.epoch is not None and p.seq is not None
    }
    if claimed:
        fields = ("gate_id", "epoch", "seq")
        rows = [
            dict(zip(fields, key, strict=True)) | {"hash": digest, "received_at": ctx.now}
            for key, digest in claimed.items()
        ]
        await ctx.db.execute(insert(AccessKeyRow).on_conflict_do_nothing(), rows)
    return list(claimed)


async def _follow(ctx: Context, logged: Sequence[tuple[int, GateEvent]], gates: Mapping[int, Gate]) -> None:
    for access_id, event in logged:
        site_id = gates[event.gate_id].site_id
        ctx.emit(
            AccessRecorded(
                access_id=access_id,
                site_id=site_id,
                gate_id=event.gate_id,
                kind=event.kind,
                at=event.at,
                received_at=ctx.now,
                direction=event.direction,
                admit=event.admit,
                reason=event.reason,
                historical=event.historical,
            )
        )
        if event.kind in ("alarm_on", "alarm_off"):
            await _sound(ctx, event, site_id)
    ended = [e for _, e in logged if e.rid and e.kind in ENDS_A_HOLD]
    if ended:
        given = {
            "gate_ids": [e.gate_id for e in ended],
            "epochs": [e.epoch for e in ended],
            "rids": [e.rid for e in ended],
        }
        await ctx.db.execute(queries.load("domain.access", "end_holds"), given)
    passages = [
        Passage(access_id, gates[e.passed_gate_id], e.direction, e.grant_id, _moment(ctx, e), e.rid)
        for access_id, e in logged
        if e.kind == "passage" and e.direction in ("in", "out")
    ]
    if passages:
        await walk(ctx, passages)
        await open_zones(ctx, passages)
        await look_for_double_use(
            ctx, passages, {access_id for access_id, e in logged if e.source == "offline"}
        )


def _moment(ctx: Context, event: GateEvent) -> datetime:
    return moment(event.at, ctx.now, historical=event.historical, clock=event.clock)


async def _sound(ctx: Context, event: GateEvent, site_id: int) -> None:
    kind = str(event.detail.get("alarm", "unnamed"))
    if event.kind == "alarm_on":
        if await is_told(ctx, kind, gate_id=event.gate_id, seq=event.seq):
            return
        told = {name: value for name, value in event.detail.items() if name != "alarm"}
        await raise_alarm(ctx, kind, site_id=site_id, gate_id=event.gate_id, detail=told)
    else:
        await clear_alarm(ctx, kind, site_id=site_id, gate_id=event.gate_id)
