"""What is wrong at a gate right now, as it says itself whenever it comes back; its open alarms are brought to that.

A gate's word is retained at the broker, which gives it again after every reconnect of either side. Only what differs
from the open alarms is raised or cleared, so that the same word counts once.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select

from domain.access.operations.alarms import UNDER_WAY, clear_alarm, raise_alarm
from domain.access.rules.alarm_kinds import SENSED, AlarmKind, Sensed
from domain.access.tables.alarms import AlarmRow
from domain.access.tables.place import GateRow
from domain.kernel.context import Context
from domain.kernel.operations import operation


class Condition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing that is wrong, and the event of the gate's journal that told its beginning (0 = none did)."""

    kind: Sensed
    since: datetime
    seq: int = 0


class GateConditions(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All that is wrong at one gate."""

    gate_id: int
    conditions: Sequence[Condition]


@operation("access.report_conditions", allow={"service"}, replays=False)
async def report_conditions(ctx: Context, *, gates: list[GateConditions]) -> None:
    """Gates say all that is wrong with them: what they leave out is over, what is new is raised."""
    told = {one.gate_id: {said.kind: said for said in one.conditions} for one in gates}
    sounding = await _sounding(ctx, told)
    changed = sorted(gate_id for gate_id in told if sounding[gate_id] != set(told[gate_id]))
    # Nearly always nothing has changed: then nobody waits for a lock, for gates come back by the hundred.
    if not changed:
        return
    chosen = select(GateRow).where(GateRow.id.in_(changed), ~GateRow.desk).order_by(GateRow.id)
    rows = (await ctx.db.scalars(chosen.with_for_update(key_share=True))).all()
    sounding = await _sounding(ctx, changed)
    for row in rows:
        await _settle(ctx, row, told[row.id], sounding[row.id])


async def _settle(ctx: Context, gate: GateRow, told: Mapping[Sensed, Condition], sounding: set[str]) -> None:
    for kind in SENSED:
        if kind == "psu" and gate.power is not None:
            continue  # its heartbeats say what it runs on, and are newer than a word that the broker kept
        if kind in told and kind not in sounding:
            detail = {"since": told[kind].since.isoformat(), "seq": told[kind].seq}
            await raise_alarm(ctx, kind, site_id=gate.site_id, gate_id=gate.id, detail=detail)
        elif kind in sounding and kind not in told:
            await clear_alarm(ctx, kind, site_id=gate.site_id, gate_id=gate.id)


async def _sounding(ctx: Context, gate_ids: Collection[int]) -> dict[int, set[str]]:
    opened = select(AlarmRow.gate_id, AlarmRow.kind).where(
        AlarmRow.gate_id.in_(gate_ids), AlarmRow.state.in_(UNDER_WAY), AlarmRow.kind.in_(SENSED)
    )
    rows = (await ctx.db.execute(opened)).all()
    return {gate_id: {kind for of, kind in rows if of == gate_id} for gate_id in gate_ids}


async def is_told(ctx: Context, kind: AlarmKind, *, gate_id: int, seq: int) -> bool:
    """Return whether an open alarm was raised by a condition that named this very event as its beginning.

    A gate that comes back says its conditions before its journal has come up to them.
    """
    same = select(AlarmRow.id).where(
        AlarmRow.gate_id == gate_id,
        AlarmRow.kind == kind,
        AlarmRow.state.in_(UNDER_WAY),
        AlarmRow.detail["seq"].as_integer() == seq,
        AlarmRow.detail.has_key("since"),
    )
    return await ctx.db.scalar(same.limit(1)) is not None
