"""Schedules and holidays: the hours that passes and zones refer to, by the clock on the site's wall."""

from datetime import date
from typing import Annotated

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from domain.access.events import ScheduleChanged
from domain.access.operations.lists import next_revision
from domain.access.rules.hours import Hours, Spans, Week, spans_problem
from domain.access.tables.schedules import HolidayRow, ScheduleRow
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
SCHEDULES = 40
"""Of one site: its gates are told all of them in one message."""


class ScheduleView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Hours with a name: per weekday, Monday first, spans of minutes since midnight; 1440 is its end."""

    schedule_id: int
    site_id: int
    name: str
    week: Week
    holidays: Spans


class HolidayView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A day on which schedules follow their hours of holidays."""

    site_id: int
    day: date
    name: str


@operation("access.create_schedule", allow={"manager", "admin"})
async def create_schedule(
    ctx: Context, *, site_id: int, name: Name, week: Week, holidays: Spans = ()
) -> ScheduleView:
    """Name some hours, for passes and zones to refer to; without ``holidays`` nothing opens on a holiday."""
    ctx.require("manager", site_id=site_id)
    hours = _checked(week, holidays)
    await ctx.db.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"schedules:{site_id}"))))
    used = await ctx.db.scalar(select(func.count()).where(ScheduleRow.site_id == site_id))
    if (used or 0) >= SCHEDULES:
        raise Invalid.field("siteId", f"has {SCHEDULES} schedules already, which is all that gates can keep")
    row = ScheduleRow(site_id=site_id, name=name, hours=hours)
    ctx.db.add(row)
    await ctx.db.flush()
    await _changed(ctx, row)
    return _view(row)


@operation("access.change_schedule", allow={"manager", "admin"})
async def change_schedule(
    ctx: Context,
    *,
    schedule_id: int,
    name: Name | None = None,
    week: Week | None = None,
    holidays: Spans | None = None,
) -> ScheduleView:
    """Change hours; every pass and zone that refers to them goes by the new ones at once. What is not given stays."""
    row = await ctx.db.get(ScheduleRow, schedule_id, with_for_update={"key_share": True})
    if row is None or not ctx.caller.holds("manager", site_id=row.site_id):
        raise NotFound(f"There is no schedule {schedule_id}")
    known = hours_of(row)
    row.name = row.name if name is None else name
    row.hours = _checked(week or known.week, known.holidays if holidays is None else holidays)
    await _changed(ctx, row)
    return _view(row)


@operation("access.list_schedules", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def list_schedules(
    ctx: Context, *, site_id: int, limit: Limit = 50, cursor: str | None = None
) -> Page[ScheduleView]:
    """List the schedules of a site to its staff."""
    ctx.require(*STAFF, site_id=site_id)
    chosen = select(ScheduleRow).where(ScheduleRow.site_id == site_id)
    rows = await ctx.db.scalars(turn(chosen, ScheduleRow.id, limit=limit, cursor=cursor))
    return page([_view(row) for row in rows], limit, lambda one: one.schedule_id)


@operation("access.set_holiday", allow={"manager", "admin"})
async def set_holiday(ctx: Context, *, site_id: int, day: date, name: Name) -> HolidayView:
    """Make a day of the site's calendar a holiday, or rename it."""
    ctx.require("manager", site_id=site_id)
    fresh = insert(HolidayRow).values(site_id=site_id, day=day, name=name)
    await ctx.db.execute(fresh.on_conflict_do_update(index_elements=["site_id", "day"], set_={"name": name}))
    await next_revision(ctx, site_id)
    return HolidayView(site_id=site_id, day=day, name=name)


@operation("access.unset_holiday", allow={"manager", "admin"})
async def unset_holiday(ctx: Context, *, site_id: int, day: date) -> None:
    """Make a holiday an ordinary day again."""
    ctx.require("manager", site_id=site_id)
    gone = delete(HolidayRow).where(HolidayRow.site_id == site_id, HolidayRow.day == day)
    if await ctx.db.scalar(gone.returning(HolidayRow.day)) is None:
        raise NotFound(f"{day} is no holiday of site {site_id}")
    await next_revision(ctx, site_id)


@operation("access.list_holidays", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def list_holidays(ctx: Context, *, site_id: int) -> list[HolidayView]:
    """List the holidays of a site in their order, to its staff."""
    ctx.require(*STAFF, site_id=site_id)
    rows = await ctx.db.scalars(
        select(HolidayRow).where(HolidayRow.site_id == site_id).order_by(HolidayRow.day)
    )
    return [HolidayView(site_id=row.site_id, day=row.day, name=row.name) for row in rows]


def hours_of(row: ScheduleRow) -> Hours:
    """Return a schedule's hours as the rules read them."""
    return msgspec.convert(row.hours, Hours)


def _checked(week: Week, holidays: Spans) -> dict[str, object]:
    hours = Hours(week=week, holidays=holidays)
    if problem := spans_problem(hours):
        raise Invalid.field(*problem)
    told: dict[str, object] = msgspec.to_builtins(hours)
    return told


async def _changed(ctx: Context, row: ScheduleRow) -> None:
    ctx.emit(ScheduleChanged(schedule_id=row.id, site_id=row.site_id), of=row)
    await next_revision(ctx, row.site_id)


def _view(row: ScheduleRow) -> ScheduleView:
    hours = hours_of(row)
    return ScheduleView(
        schedule_id=row.id, site_id=row.site_id, name=row.name, week=hours.week, holidays=hours.holidays
    )
