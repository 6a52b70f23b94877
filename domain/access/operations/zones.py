"""Zones: the areas of a site."""

from typing import Annotated, Literal

import msgspec
from sqlalchemy import func, select

from domain.access.events import ZoneChanged
from domain.access.tables.place import ZoneRow
from domain.kernel.context import Context
from domain.kernel.errors import NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Capacity = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
OfflinePolicy = Literal["deny", "signed_ok", "list_ok", "open"]


class ZoneView(msgspec.Struct, frozen=True, rename="camel"):
    """One zone; ``inside`` is how many are in it now."""

    zone_id: int
    site_id: int
    ordinal: int
    name: str
    capacity: int | None
    for_guests: bool
    offline_policy: str
    inside: int


@operation("access.list_zones", allow={"member", "guard", "desk", "manager", "admin"}, reads=True)
async def list_zones(
    ctx: Context, *, site_id: int, limit: Limit = 50, cursor: str | None = None
) -> Page[ZoneView]:
    """List the zones of a site to those who belong to it."""
    ctx.require("member", "guard", "desk", "manager", site_id=site_id)
    chosen = select(ZoneRow).where(ZoneRow.site_id == site_id)
    rows = await ctx.db.scalars(turn(chosen, ZoneRow.id, limit=limit, cursor=cursor))
    return page([view(row) for row in rows], limit, lambda zone: zone.zone_id)


@operation("access.get_zone", allow={"member", "guard", "desk", "manager", "admin"}, reads=True)
async def get_zone(ctx: Context, *, zone_id: int) -> ZoneView:
    """Return one zone to those who belong to its site."""
    row = await ctx.db.get(ZoneRow, zone_id)
    if row is None or not ctx.caller.holds("member", "guard", "desk", "manager", site_id=row.site_id):
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
) -> ZoneView:
    """Add a zone to a site; a site has at most 32."""
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
    )
    ctx.db.add(row)
    await ctx.db.flush()
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
) -> ZoneView:
    """Change a zone; what is not given stays, a null capacity lifts the limit."""
    row = await ctx.db.get(ZoneRow, zone_id, with_for_update={"key_share": True})
    if row is None:
        raise NotFound(f"There is no zone {zone_id}")
    ctx.require("manager", site_id=row.site_id)
    row.name = row.name if name is None else name
    row.capacity = row.capacity if capacity is msgspec.UNSET else capacity
    row.for_guests = row.for_guests if for_guests is None else for_guests
    row.offline_policy = offline_policy or row.offline_policy
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
        inside=max(row.inside or 0, 0),
    )
