"""Alarms as guards see them: with the gate's name and whoever has taken them on."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select

from domain.access.tables.alarms import AlarmRow
from domain.access.tables.place import GateRow
from domain.identity.queries.people import names_of
from domain.kernel.context import Context


class AlarmView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One alarm; ``state`` is raised, acknowledged, cleared or closed. Without a gate it is of the whole site."""

    alarm_id: int
    site_id: int
    gate_id: int | None
    gate_name: str | None
    kind: str
    state: str
    raised_at: datetime
    last_at: datetime
    count: int
    detail: dict[str, Any]
    acknowledged_by: int | None
    acknowledged_by_name: str | None
    acknowledged_at: datetime | None
    escalated_at: datetime | None
    cleared_at: datetime | None
    closed_by: int | None
    closed_by_name: str | None
    closed_at: datetime | None
    note: str


async def alarm_views(ctx: Context, rows: Sequence[AlarmRow]) -> list[AlarmView]:
    """Return these alarms with the names that belong to them."""
    people = {row.acknowledged_by for row in rows} | {row.closed_by for row in rows}
    names = await names_of(ctx, {user_id for user_id in people if user_id is not None})
    ids = {row.gate_id for row in rows if row.gate_id is not None}
    chosen = select(GateRow.id, GateRow.name).where(GateRow.id.in_(ids))
    gates = {gate_id: name for gate_id, name in await ctx.db.execute(chosen)} if ids else {}
    return [_view(row, names, gates) for row in rows]


class AlarmFacts(msgspec.Struct, frozen=True):
    """What a letter about an alarm says."""

    kind: str
    gate_name: str | None
    raised_at: datetime


async def alarms_of(ctx: Context, ids: Collection[int]) -> dict[int, AlarmFacts]:
    """Return what letters say of these alarms, by id."""
    if not ids:
        return {}
    chosen = select(AlarmRow.id, AlarmRow.kind, GateRow.name, AlarmRow.raised_at)
    joined = chosen.outerjoin(GateRow, GateRow.id == AlarmRow.gate_id).where(AlarmRow.id.in_(ids))
    return {row[0]: AlarmFacts(*row[1:]) for row in await ctx.db.execute(joined)}


def _view(row: AlarmRow, names: dict[int, str], gates: dict[int, str]) -> AlarmView:
    return AlarmView(
        alarm_id=row.id,
        site_id=row.site_id,
        gate_id=row.gate_id,
        gate_name=gates.get(row.gate_id or 0),
        kind=row.kind,
        state=row.state,
        raised_at=row.raised_at,
        last_at=row.last_at,
        count=row.count,
        detail=row.detail,
        acknowledged_by=row.acknowledged_by,
        acknowledged_by_name=names.get(row.acknowledged_by or 0),
        acknowledged_at=row.acknowledged_at,
        escalated_at=row.escalated_at,
        cleared_at=row.cleared_at,
        closed_by=row.closed_by,
        closed_by_name=names.get(row.closed_by or 0),
        closed_at=row.closed_at,
        note=row.note,
    )
