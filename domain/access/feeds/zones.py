"""How full the zones of a site are."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from sqlalchemy import select

from domain.access.events import AccessRecorded, ZoneChanged
from domain.access.feeds.door import staff_only
from domain.access.queries.log_entries import MOVES
from domain.access.tables.place import ZoneRow
from domain.kernel.context import Context
from domain.kernel.feeds import Feed, Item, Shown

occupancy = Feed("occupancy:{site_id}", remembers=300)
occupancy.may(staff_only)


class ZoneItem(msgspec.Struct, frozen=True, rename="camel"):
    """How full a zone is."""

    zone_id: int
    name: str
    inside: int
    capacity: int | None


@occupancy.first
async def zones(ctx: Context, *, site_id: int) -> list[Item]:
    """Every zone of the site."""
    return (await _zones(ctx, [site_id])).get(site_id, [])


@occupancy.shows(AccessRecorded)
async def show_passages(ctx: Context, facts: Sequence[AccessRecorded]) -> Shown:
    """The zones of sites where somebody walked, or was said to be elsewhere."""
    return await _shown_zones(ctx, {fact.site_id for fact in facts if fact.kind in MOVES})


@occupancy.shows(ZoneChanged)
async def show_zone_changes(ctx: Context, facts: Sequence[ZoneChanged]) -> Shown:
    """The zones of sites whose zones were changed."""
    return await _shown_zones(ctx, {fact.site_id for fact in facts})


async def _shown_zones(ctx: Context, sites: set[int]) -> Shown:
    found = await _zones(ctx, sorted(sites))
    return {occupancy.channel(site_id=site_id): items for site_id, items in found.items()}


async def _zones(ctx: Context, sites: Sequence[int]) -> dict[int, list[Item]]:
    found: defaultdict[int, list[Item]] = defaultdict(list)
    chosen = select(ZoneRow).where(ZoneRow.site_id.in_(sites)).order_by(ZoneRow.id)
    for row in (await ctx.db.scalars(chosen)).all():
        shown = ZoneItem(row.id, row.name, max(row.inside, 0), row.capacity)
        found[row.site_id].append(Item(key=f"zone:{row.id}", version=row.version, data=shown))
    return found
