"""Recording: what gates report goes into the log, once each, with all that follows from it.

1. An event is known by (gate, epoch, seq). The same again is a repeat; the same with another hash is a contradiction
   (a cloned gate): both are kept, the second in quarantine, and an alarm is raised.
2. Only events that were new move anything: holds, grants, guests, visits, zones.
3. Rows are locked in the order journals, guest passes, grants, zones, each sorted by id.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy.dialects.postgresql import insert

from domain.access.events import AccessRecorded
from domain.access.operations.alarms import clear_alarm, raise_alarm
from domain.access.operations.double_use import look_for_double_use
from domain.access.operations.gate_conditions import is_told
from domain.access.operations.journals import Journal, Key, advance_journals
from domain.access.operations.openings import open_zones
from domain.access.operations.passages import Gate, Passage, walk
from domain.access.operations.seal import moment_of_receipt
from domain.access.queries.log_entries import FIRST_ROWS, MOVES
from domain.access.rules.alarm_kinds import AlarmKind, sensed
from domain.access.rules.passage import moment
from domain.access.tables.record import AccessKeyRow, QuarantineRow
from domain.kernel import queries
from domain.kernel.context import Context
from domain.kernel.operations import operation

SOUNDS = {"alarm_on", "alarm_off"}


class GateEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False):
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


class Logged(msgspec.Struct, frozen=True, gc=False):
    """An event that was new, with the ids of its row and of the fact about it."""

    event: GateEvent
    access_id: int
    fact_id: int
    received_at: datetime


@operation("access.record", allow={"service"}, recorded=True, replays=False)
async def record(ctx: Context, *, events: list[GateEvent], poison: list[Poison]) -> list[Journal]:
    """Write what gates report into the log; return for each journal up to where nothing is missing.

    Events of gates that are not known go to quarantine. Returning means committed: gates may then forget.
    """
    ctx.now = await moment_of_receipt(ctx)
    named = {event.gate_id for event in events} | {event.at_gate_id for event in events if event.at_gate_id}
    gates = await _gates(ctx, named | {p.gate_id for p in poison if p.gate_id})
    known = [event for event in events if event.gate_id in gates]
    strangers = [event for event in events if event.gate_id not in gates]
    distinct: dict[Key, GateEvent] = {}
    for event in known:
        distinct.setdefault(event.key, event)
    batch = list(distinct.values())
    logged = await _write(ctx, batch)
    contradictions = await _contradictions(ctx, known, batch, logged)
    await _quarantine(ctx, poison, strangers, contradictions, gates)
    stepped_over = await _step_over(ctx, poison, gates)
    journals = await advance_journals(ctx, [*distinct, *stepped_over])
    await _follow(ctx, logged, gates)
    return journals


async def _gates(ctx: Context, ids: set[int]) -> dict[int, Gate]:
    rows = await ctx.rows(queries.load("domain.access", "gates_by_id"), {"ids": list(ids)})
    return {row[0]: Gate(*row) for row in rows}


async def _write(ctx: Context, batch: Sequence[GateEvent]) -> list[Logged]:
    if not batch:
        return []
    given = {
        "now": ctx.now,
        "actor": ctx.caller.actor,
        "correlation": ctx.correlation,
        "events": msgspec.json.encode(batch).decode(),
    }
    ((received_at, *ids),) = await ctx.rows(queries.load("domain.access", "write_access_log"), given)
    return [
        Logged(batch[place], access_id, fact_id, received_at)
        for place, access_id, fact_id in zip(*ids, strict=True)
    ]


async def _contradictions(
    ctx: Context, known: Sequence[GateEvent], batch: Sequence[GateEvent], logged: Sequence[Logged]
) -> list[GateEvent]:
    """Return the events whose number is another event's, of this batch or in the log."""
    if len(known) == len(logged):
        return []
    first = {event.key: event for event in batch}
    inside = [event for event in known if event.hash != first[event.key].hash]
    for one in logged:
        del first[one.event.key]
    given = {
        "gate_ids": [event.gate_id for event in first.values()],
        "epochs": [event.epoch for event in first.values()],
        "seqs": [event.seq for event in first.values()],
    }
    rows = await ctx.rows(queries.load("domain.access", "find_hashes"), given)
    stored = {(row[0], row[1], row[2]): row[3] for row in rows}
    return inside + [event for key, event in first.items() if stored.get(key) != event.hash]


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


async def _follow(ctx: Context, logged: Sequence[Logged], gates: Mapping[int, Gate]) -> None:
    if not logged:
        return
    shown = {one.fact_id: _recorded(one, gates) for one in _seen(logged, gates)}
    ctx.rush(logged[0].fact_id, logged[-1].fact_id, shown)
    sounding = [one.event for one in logged if one.event.kind in SOUNDS]
    # alarms are locked in one order; of one kind the events stay in theirs
    for event in sorted(sounding, key=lambda event: (event.gate_id, _alarm(event))):
        await _sound(ctx, event, gates[event.gate_id].site_id)
    if passages := [
        _passage(one, gates) for one in logged if one.event.kind == "passage" and one.event.direction
    ]:
        await walk(ctx, passages)
        await open_zones(ctx, passages)
        alone = {one.access_id for one in logged if one.event.source == "offline"}
        await look_for_double_use(ctx, passages, alone)


def _seen(logged: Sequence[Logged], gates: Mapping[int, Gate]) -> list[Logged]:
    """Return what screens show of a rush: of each site the newest, of each gate the last, and all moves."""
    of_site: defaultdict[int, list[Logged]] = defaultdict(list)
    for one in logged:
        of_site[gates[one.event.gate_id].site_id].append(one)
    newest = [one for those in of_site.values() for one in those[-FIRST_ROWS:]]
    last_of_gate = {one.event.gate_id: one for one in logged}
    moves = [one for one in logged if one.event.kind in MOVES]
    seen = {one.fact_id: one for one in (*newest, *last_of_gate.values(), *moves)}
    return [seen[fact_id] for fact_id in sorted(seen)]


def _recorded(one: Logged, gates: Mapping[int, Gate]) -> AccessRecorded:
    event = one.event
    return AccessRecorded(
        access_id=one.access_id,
        site_id=gates[event.gate_id].site_id,
        gate_id=event.gate_id,
        kind=event.kind,
        at=event.at,
        received_at=one.received_at,
        direction=event.direction,
        admit=event.admit,
        reason=event.reason,
        historical=event.historical,
    )


def _passage(one: Logged, gates: Mapping[int, Gate]) -> Passage:
    event = one.event
    gate = gates[event.passed_gate_id]
    at = moment(event.at, one.received_at, historical=event.historical, clock=event.clock)
    return Passage(one.access_id, gate, event.direction, event.grant_id, at, event.rid)


def _alarm(event: GateEvent) -> AlarmKind:
    return sensed(event.detail.get("alarm"))


async def _sound(ctx: Context, event: GateEvent, site_id: int) -> None:
    kind = _alarm(event)
    if event.kind == "alarm_on":
        if await is_told(ctx, kind, gate_id=event.gate_id, seq=event.seq):
            return
        told = {name: value for name, value in event.detail.items() if (name, value) != ("alarm", kind)}
        await raise_alarm(ctx, kind, site_id=site_id, gate_id=event.gate_id, detail=told)
    else:
        await clear_alarm(ctx, kind, site_id=site_id, gate_id=event.gate_id)
