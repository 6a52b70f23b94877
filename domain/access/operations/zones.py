"""Zones: the areas of a site."""

from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import func, select

from domain.access.events import ZoneChanged
from domain.access.operations.lists import next_revision
from domain.access.rules.facts import OfflinePolicy, Passback
from domain.access.tables.place import ZoneRow
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Capacity = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=7 * 24 * 60)]
Schedule = int | msgspec.UnsetType | None


class ZoneView(msgspec.Struct, frozen=True, rename="camel"):
    """One zone; ``inside`` is how many are in it now, ``opened_at`` when a first person entered last.

    What its rules mean is told in docs/rules.md.
    """

    zone_id: int
    site_id: int
    ordinal: int
    name: str
    capacity: int | None
    for_guests: bool
    offline_policy: str
    schedule_id: int | None
    passback: str
    passback_minutes: int | None
    in_order: bool
    first_person: bool
    opened_at: datetime | None
    two_person: bool
    inside: int


@operation("access.list_zones", allow={"member", "guard", "desk", "manager", "admin"}, reads=True)
async def list_zones(
    ctx: Context, *, site_id: int, limit: Limit = 50, cursor: str | None = None
) -> Page[ZoneView]:
    """List the zones of a site to those who belong to it."""
    ctx.require("member", *STAFF, site_id=site_id)
    chosen = select(ZoneRow).where(ZoneRow.site_id == site_id)
    rows = await ctx.db.scalars(turn(chosen, ZoneRow.id, limit=limit, cursor=cursor))
    return page([view(row) for row in rows], limit, lambda zone: zone.zone_id)


@operation("access.get_zone", allow={"member", "guard", "desk", "manager", "admin"}, reads=True)
async def get_zone(ctx: Context, *, zone_id: int) -> ZoneView:
    """Return one zone to those who belong to its site."""
    row = await ctx.db.get(ZoneRow, zone_id)
    if row is None or not ctx.caller.holds("member", *STAFF, site_id=row.site_id):
        raise NotFound(f"There is no zone {zone_id}")
    return view(row)


@operation("access.create_zone", allow={"manager", "admin"})
async def create_zone(
    ctx: Context,
    *,
    site_id: int,
    name: Name,
    capacity: Capacity | None = None,
    for_guests: bool = True,
    offline_policy: OfflinePolicy = "deny",
    schedule_id: int | None = None,
    passback: Passback = "hard",
    passback_minutes: Minutes | None = None,
    in_order: bool = False,
    first_person: bool = False,
    two_person: bool = False,
) -> ZoneView:
    """Add a zone to a site; a site has at most 32. docs/rules.md tells what its rules mean."""
    ctx.require("manager", site_id=site_id)
    await ctx.db.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"zones:{site_id}"))))
    used = await ctx.db.scalar(select(func.count()).where(ZoneRow.site_id == site_id))
    row = ZoneRow(
        site_id=site_id,
        ordinal=used or 0,
        name=name,
        capacity=capacity,
        for_guests=for_guests,
        offline_policy=offline_policy,
        schedule_id=schedule_id,
        passback=passback,
        passback_minutes=passback_minutes,
        in_order=in_order,
        first_person=first_person,
        two_person=two_person,
    )
    ctx.db.add(row)
    await ctx.db.flush()
    await next_revision(ctx, site_id)
    ctx.emit(ZoneChanged(zone_id=row.id, site_id=site_id), of=row)
    return view(row)


@operation("access.change_zone", allow={"manager", "admin"})
async def change_zone(
    ctx: Context,
    *,
    zone_id: int,
    name: Name | None = None,
    capacity: Capacity | msgspec.UnsetType | None = msgspec.UNSET,
    for_guests: bool | None = None,
    offline_policy: OfflinePolicy | None = None,
    schedule_id: Schedule = msgspec.UNSET,
    passback: Passback | None = None,
    passback_minutes: Minutes | None = None,
    in_order: bool | None = None,
    first_person: bool | None = None,
    two_person: bool | None = None,
) -> ZoneView:
    """Change a zone; what is not given stays, a null capacity lifts the limit and a null schedule the hours."""
    row = await ctx.db.get(ZoneRow, zone_id, with_for_update={"key_share": True})
    if row is None:
        raise NotFound(f"There is no zone {zone_id}")
    ctx.require("manager", site_id=row.site_id)
    given = {
        "name": name,
        "for_guests": for_guests,
        "offline_policy": offline_policy,
        "in_order": in_order,
        "first_person": first_person,
        "two_person": two_person,
    }
    for field, value in given.items():
        if value is not None:
            setattr(row, field, value)
    row.capacity = row.capacity if capacity is msgspec.UNSET else capacity
    row.schedule_id = row.schedule_id if schedule_id is msgspec.UNSET else schedule_id
    row.passback = passback or row.passback
    if passback_minutes is not None or row.passback != "timed":
        row.passback_minutes = passback_minutes
    row.taken += 1  # a decision made on the old rules is made again
    await ctx.db.flush()
    await next_revision(ctx, row.site_id)
    ctx.emit(ZoneChanged(zone_id=row.id, site_id=row.site_id), of=row)
    return view(row)


@operation("access.open_zone", allow={"guard", "desk", "manager", "admin"})
async def open_zone(ctx: Context, *, zone_id: int) -> ZoneView:
    """Open a zone for today that waits for its first person, as if somebody who may open it had walked in."""
    row = await ctx.db.get(ZoneRow, zone_id, with_for_update={"key_share": True})
    if row is None:
        raise NotFound(f"There is no zone {zone_id}")
    ctx.require(*STAFF, site_id=row.site_id)
    row.opened_at = ctx.now
    await next_revision(ctx, row.site_id)
    ctx.emit(ZoneChanged(zone_id=row.id, site_id=row.site_id), of=row)
    return view(row)


def view(row: ZoneRow) -> ZoneView:
    """Return a zone as people see it; fewer than none is shown as none (somebody was inside before we counted)."""
    return ZoneView(
        zone_id=row.id,
        site_id=row.site_id,
        ordinal=row.ordinal,
        name=row.name,
        capacity=row.capacity,
        for_guests=row.for_guests,
        offline_policy=row.offline_policy,
        schedule_id=row.schedule_id,
        passback=row.passback,
        passback_minutes=row.passback_minutes,
        in_order=row.in_order,
        first_person=row.first_person,
        opened_at=row.opened_at,
        two_person=row.two_person,
        inside=max(row.inside or 0, 0),
    )
