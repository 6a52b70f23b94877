"""What belongs to no single pass of a site's list: zones, schedules, holidays, and keys, as gates are told them."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from domain.access.operations.keys import public_keys
from domain.access.rules import live_code
from domain.access.tables.place import ZoneRow
from domain.access.tables.schedules import HolidayRow, ScheduleRow
from domain.kernel.context import Context

HOLIDAYS_AHEAD = timedelta(days=366)
_DAY = timedelta(days=1)


async def terms(
    ctx: Context, site_id: int, time_zone: str, live_key: bytes, lasts: timedelta
) -> dict[str, Any]:
    """Return the members of a head that say by what rules and with which keys its list is read, while it lasts."""
    zones = await ctx.db.scalars(select(ZoneRow).where(ZoneRow.site_id == site_id).order_by(ZoneRow.ordinal))
    schedules = await ctx.db.scalars(select(ScheduleRow).where(ScheduleRow.site_id == site_id))
    return {
        "tz": time_zone,
        "hol": await _holidays(ctx, site_id),
        "hrs": {str(row.id): row.hours for row in schedules},
        "zns": [_zone(row) for row in zones],
        "pks": {str(key_id): text for key_id, text in (await public_keys(ctx)).items()},
        "lks": _live_keys(ctx, live_key, lasts),
    }


def _zone(row: ZoneRow) -> dict[str, Any]:
    told = {
        "id": row.id,
        "o": row.ordinal,
        "f": row.offline_policy,
        "w": row.schedule_id,
        "pb": row.passback,
        "pm": row.passback_minutes,
        "io": row.in_order or None,
        "fp": row.first_person or None,
        "op": None if row.opened_at is None else int(row.opened_at.timestamp()),
        "tp": row.two_person or None,
    }
    return {name: value for name, value in told.items() if value is not None}


async def _holidays(ctx: Context, site_id: int) -> list[str]:
    # a day more on either side, since the date of the site may be another than that of UTC
    first, last = ctx.now.date() - _DAY, (ctx.now + HOLIDAYS_AHEAD).date()
    chosen = select(HolidayRow.day).where(HolidayRow.site_id == site_id, HolidayRow.day.between(first, last))
    return [day.isoformat() for day in await ctx.db.scalars(chosen.order_by(HolidayRow.day))]


def _live_keys(ctx: Context, live_key: bytes, lasts: timedelta) -> dict[str, str]:
    """Return the keys of all days that a code may be of while the list lasts: a phone's clock may be off a little."""
    first, last = (
        live_code.day_of(live_code.step_of(moment.timestamp()))
        for moment in (ctx.now - _DAY, ctx.now + lasts)
    )
    return {str(day): live_code.day_key(live_key, day).hex() for day in range(first, last + 1)}
