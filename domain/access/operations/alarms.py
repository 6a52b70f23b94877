"""Alarms: what is wrong stays on the board until it is over and somebody has said so.

1. An alarm is raised once per gate (or site) and kind; the same again while it is open counts as a repeat.
2. Raised → acknowledged → cleared → closed; one that is over before anybody looked goes from raised to cleared.
3. Who acknowledges has it: of two at once one wins, and the other hears who.
4. One that nobody has acknowledged after a minute escalates, once.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import func, select

from domain.access.events import (
    GateAlarmAcknowledged,
    GateAlarmCleared,
    GateAlarmClosed,
    GateAlarmEscalated,
    GateAlarmRaised,
)
from domain.access.queries.alarm_items import AlarmView, alarm_views
from domain.access.rules.alarm_kinds import AlarmKind
from domain.access.tables.alarms import AlarmRow
from domain.identity.queries.people import names_of
from domain.kernel.caller import SiteRole
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

UNDER_WAY = ("raised", "acknowledged")
ATTENDED_WITHIN = timedelta(seconds=60)
GUARDS: tuple[SiteRole, ...] = ("guard", "manager")
State = Literal["raised", "acknowledged", "cleared", "closed"]
Kind = Annotated[str, msgspec.Meta(max_length=64)]
Note = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class AlarmTaken(DomainError):
    """Somebody else has the alarm, or it is no longer to be had."""

    code, title = "alarm_taken", "Somebody else sees to this alarm, or nobody needs to"


class AlarmNotOver(DomainError):
    """An alarm that still sounds."""

    code, title = "alarm_not_over", "This alarm is not over"


@operation("access.list_alarms", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def list_alarms(
    ctx: Context,
    *,
    site_id: int,
    state: State | None = None,
    gate_id: int | None = None,
    kind: Kind | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[AlarmView]:
    """List the alarms of a site, the newest first, to its staff."""
    ctx.require("desk", *GUARDS, site_id=site_id)
    chosen = select(AlarmRow).where(AlarmRow.site_id == site_id)
    for column, wanted in {AlarmRow.state: state, AlarmRow.gate_id: gate_id, AlarmRow.kind: kind}.items():
        chosen = chosen if wanted is None else chosen.where(column == wanted)
    rows = (
        await ctx.db.scalars(turn(chosen, AlarmRow.id, limit=limit, cursor=cursor, newest_first=True))
    ).all()
    return page(await alarm_views(ctx, rows), limit, lambda alarm: alarm.alarm_id)


@operation("access.acknowledge_alarm", allow={"guard", "manager", "admin"})
async def acknowledge_alarm(ctx: Context, *, alarm_id: int) -> AlarmView:
    """Take an alarm on; who comes second hears who has it."""
    row = await _locked(ctx, alarm_id)
    if row.state == "raised":
        row.state, row.acknowledged_by, row.acknowledged_at = "acknowledged", ctx.user_id, ctx.now
        ctx.emit(GateAlarmAcknowledged(**_about(row), by_user_id=ctx.user_id), of=row)
    elif row.state != "acknowledged" or row.acknowledged_by != ctx.caller.user_id:
        raise await _taken(ctx, row)
    return (await alarm_views(ctx, [row]))[0]


@operation("access.close_alarm", allow={"guard", "manager", "admin"})
async def close_alarm(ctx: Context, *, alarm_id: int, note: Note, force: bool = False) -> AlarmView:
    """Take an alarm off the board, saying what it was; one that still sounds only with ``force``."""
    row = await _locked(ctx, alarm_id)
    if row.state == "closed":
        raise await _taken(ctx, row)
    if row.state in UNDER_WAY and not force:
        raise AlarmNotOver("What it is about is not over; close it with force if the gate will never say so")
    row.state, row.closed_by, row.closed_at, row.note = "closed", ctx.caller.user_id, ctx.now, note
    ctx.emit(GateAlarmClosed(**_about(row), by_user_id=ctx.caller.user_id), of=row)
    return (await alarm_views(ctx, [row]))[0]


@operation("access.escalate_alarms", allow={"service"}, replays=False)
async def escalate_alarms(ctx: Context) -> int:
    """Tell of alarms that nobody has acknowledged in time; return how many."""
    unattended = select(AlarmRow).where(
        AlarmRow.state == "raised",
        AlarmRow.escalated_at.is_(None),
        AlarmRow.raised_at <= ctx.now - ATTENDED_WITHIN,
    )
    locked = unattended.order_by(AlarmRow.id).limit(500).with_for_update(key_share=True, skip_locked=True)
    rows = (await ctx.db.scalars(locked)).all()
    for row in rows:
        row.escalated_at = ctx.now
        ctx.emit(GateAlarmEscalated(**_about(row)), of=row)
    return len(rows)


async def raise_alarm(
    ctx: Context,
    kind: AlarmKind,
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


async def clear_alarm(ctx: Context, kind: AlarmKind, *, site_id: int, gate_id: int | None = None) -> None:
    """Note that what an alarm was about is over; where none is open, nothing is to be done."""
    row = await _open(ctx, kind, site_id, gate_id)
    if row is None:
        return
    row.state, row.cleared_at = "cleared", ctx.now
    ctx.emit(GateAlarmCleared(alarm_id=row.id, gate_id=gate_id, site_id=site_id, alarm=kind), of=row)


async def _open(ctx: Context, kind: AlarmKind, site_id: int, gate_id: int | None) -> AlarmRow | None:
    about = f"alarm/{site_id}/{gate_id or 0}/{kind}"
    await ctx.db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(about, 0))))
    same = (
        (AlarmRow.site_id == site_id)
        & AlarmRow.gate_id.is_not_distinct_from(gate_id)
        & (AlarmRow.kind == kind)
    )
    chosen = select(AlarmRow).where(same, AlarmRow.state.in_(UNDER_WAY)).with_for_update(key_share=True)
    return await ctx.db.scalar(chosen.execution_options(populate_existing=True))


async def _locked(ctx: Context, alarm_id: int) -> AlarmRow:
    row = await ctx.db.get(AlarmRow, alarm_id, with_for_update={"key_share": True})
    if row is None or not ctx.caller.holds(*GUARDS, site_id=row.site_id):
        raise NotFound(f"There is no alarm {alarm_id}")
    return row


async def _taken(ctx: Context, row: AlarmRow) -> AlarmTaken:
    closed = row.state == "closed"
    who = row.closed_by if closed else row.acknowledged_by
    name = (await names_of(ctx, {who})).get(who) if who is not None else None
    if closed:
        return AlarmTaken(f"{name or 'Somebody'} has closed this alarm")
    if row.state == "cleared":
        return AlarmTaken("This alarm is over; it can be closed")
    return AlarmTaken(f"{name or 'Somebody'} has this alarm")


def _about(row: AlarmRow) -> dict[str, Any]:
    return {"alarm_id": row.id, "gate_id": row.gate_id, "site_id": row.site_id, "alarm": row.kind}
