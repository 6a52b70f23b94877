"""Alarms: what is wrong stays on the board until it is over and somebody has said so.

1. An alarm is raised once per gate (or site) and kind; the same again while it is open counts as a repeat.
2. Raised → acknowledged → cleared → closed; one that is over before anybody looked goes from raised to cleared.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from domain.access.events import GateAlarmCleared, GateAlarmRaised
from domain.access.tables.alarms import AlarmRow
from domain.kernel.context import Context

UNDER_WAY = ("raised", "acknowledged")


async def raise_alarm(
    ctx: Context,
    kind: str,
    *,
    site_id: int,
    gate_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> AlarmRow:
    """Raise an alarm of a gate, or without one of the whole site; one that is open already counts a repeat."""
    row = await _open(ctx, kind, site_id, gate_id)
    if row is not None:
        row.count += 1
        row.last_at = ctx.now
    else:
        row = AlarmRow(
            site_id=site_id,
            gate_id=gate_id,
            kind=kind,
            state="raised",
            raised_at=ctx.now,
            last_at=ctx.now,
            count=1,
            detail=dict(detail or {}),
            note="",
        )
        ctx.db.add(row)
        await ctx.db.flush()
    ctx.emit(GateAlarmRaised(alarm_id=row.id, gate_id=gate_id, site_id=site_id, alarm=kind), of=row)
    return row


async def clear_alarm(ctx: Context, kind: str, *, site_id: int, gate_id: int | None = None) -> None:
    """Note that what an alarm was about is over; where none is open, nothing is to be done."""
    row = await _open(ctx, kind, site_id, gate_id)
    if row is None:
        return
    row.state, row.cleared_at = "cleared", ctx.now
    ctx.emit(GateAlarmCleared(alarm_id=row.id, gate_id=gate_id, site_id=site_id, alarm=kind), of=row)


async def _open(ctx: Context, kind: str, site_id: int, gate_id: int | None) -> AlarmRow | None:
    about = f"alarm/{site_id}/{gate_id or 0}/{kind}"
    await ctx.db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(about, 0))))
    same = (
        (AlarmRow.site_id == site_id)
        & AlarmRow.gate_id.is_not_distinct_from(gate_id)
        & (AlarmRow.kind == kind)
    )
    chosen = select(AlarmRow).where(same, AlarmRow.state.in_(UNDER_WAY)).with_for_update(key_share=True)
    return await ctx.db.scalar(chosen.execution_options(populate_existing=True))
