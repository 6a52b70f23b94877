"""The board of alarms: everything that nobody has closed yet."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from domain.access.events import (
    GateAlarmAcknowledged,
    GateAlarmCleared,
    GateAlarmClosed,
    GateAlarmEscalated,
    GateAlarmRaised,
)
from domain.access.feeds.door import staff_only
from domain.access.queries.alarm_items import alarm_views
from domain.access.tables.alarms import AlarmRow
from domain.kernel.context import Context
from domain.kernel.feeds import Feed, Item, Shown

FIRST_ROWS = 500

alarms = Feed("alarms:{site_id}", remembers=300)
alarms.may(staff_only)


@alarms.first
async def open_alarms(ctx: Context, *, site_id: int) -> list[Item]:
    """Every alarm that is not closed, the newest five hundred of them."""
    chosen = select(AlarmRow).where(AlarmRow.site_id == site_id, AlarmRow.state != "closed")
    rows = (await ctx.db.scalars(chosen.order_by(AlarmRow.id.desc()).limit(FIRST_ROWS))).all()
    return await _items(ctx, rows)


@alarms.shows(GateAlarmRaised, GateAlarmAcknowledged, GateAlarmEscalated, GateAlarmCleared, GateAlarmClosed)
async def show_alarms(ctx: Context, facts: Sequence[GateAlarmRaised | GateAlarmCleared]) -> Shown:
    """Alarms that were raised, repeated, taken on or over; closed ones are gone."""
    chosen = select(AlarmRow).where(AlarmRow.id.in_({fact.alarm_id for fact in facts}))
    rows = (await ctx.db.scalars(chosen.order_by(AlarmRow.id))).all()
    shown: defaultdict[str, list[Item]] = defaultdict(list)
    for row, item in zip(rows, await _items(ctx, rows), strict=True):
        shown[alarms.channel(site_id=row.site_id)].append(item)
    return shown


async def _items(ctx: Context, rows: Sequence[AlarmRow]) -> list[Item]:
    return [
        Item(key=f"alarm:{row.id}", version=row.version, gone=True)
        if row.state == "closed"
        else Item(key=f"alarm:{row.id}", version=row.version, data=shown)
        for row, shown in zip(rows, await alarm_views(ctx, rows), strict=True)
    ]
