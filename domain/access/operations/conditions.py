"""Conditions: what is wrong with a gate for as long as it is so, each an alarm raised once and cleared by itself.

A condition is looked at again and again; only where it differs from the alarm that is open something happens, so that
a gate that is badly off for an hour is one alarm and not hundreds.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select

from domain.access.operations.alarms import UNDER_WAY, clear_alarm, raise_alarm
from domain.access.rules.alarm_kinds import AlarmKind
from domain.access.tables.alarms import AlarmRow
from domain.kernel.context import Context

Condition = tuple[int, int, AlarmKind]
"""Site, gate, and the kind of alarm."""
Detail = Mapping[str, Any]


async def settle(ctx: Context, found: Mapping[Condition, Detail | None]) -> None:
    """Raise what is so and has no open alarm, clear what is so no longer (None); the rest stays as it is."""
    if not found:
        return
    under_way = await open_alarms(ctx, found)
    for condition, detail in sorted(found.items(), key=lambda item: item[0]):
        site_id, gate_id, kind = condition
        if detail is not None and condition not in under_way:
            await raise_alarm(ctx, kind, site_id=site_id, gate_id=gate_id, detail=detail)
        elif detail is None and condition in under_way:
            await clear_alarm(ctx, kind, site_id=site_id, gate_id=gate_id)


async def open_alarms(ctx: Context, conditions: Iterable[Condition]) -> set[Condition]:
    """Return those of the conditions that have an open alarm."""
    sites, gates, kinds = (set(values) for values in zip(*conditions, strict=True))
    chosen = select(AlarmRow.site_id, AlarmRow.gate_id, AlarmRow.kind).where(
        AlarmRow.site_id.in_(sites),
        AlarmRow.gate_id.in_(gates),
        AlarmRow.kind.in_(kinds),
        AlarmRow.state.in_(UNDER_WAY),
    )
    return {(row[0], row[1] or 0, row[2]) for row in await ctx.db.execute(chosen)}


async def mine_to_watch(ctx: Context, what: str) -> bool:
    """Tell whether this process looks this time: of several that work at once, one does."""
    key = func.hashtextextended(f"watch/{what}", 0)
    return bool(await ctx.db.scalar(select(func.pg_try_advisory_xact_lock(key))))
