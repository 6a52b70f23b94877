"""What one can ask of sites."""

from collections.abc import Collection, Sequence
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import select

from domain.kernel.context import Context
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn
from domain.sites.events import SiteCreated, SiteMoved, SiteUpdated
from domain.sites.tables import SiteRow

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
TimeZone = Annotated[str, msgspec.Meta(max_length=64, description="An IANA name such as Europe/Moscow.")]
Shard = Annotated[int, msgspec.Meta(ge=0, le=999)]


class SiteView(msgspec.Struct, frozen=True, rename="camel"):
    """One place."""

    site_id: int
    name: str
    time_zone: str
    shard: int = 0


class Placement(msgspec.Struct, frozen=True, rename="camel"):
    """A site's shard, and the one whose session at the broker follows its gates by now."""

    site_id: int
    shard: int
    followed: int


@operation("sites.list_sites", allow={"member", "guard", "desk", "manager", "admin"}, reads=True)
async def list_sites(ctx: Context, *, limit: Limit = 50, cursor: str | None = None) -> Page[SiteView]:
    """List the sites, in the order they were opened."""
    rows = await ctx.db.scalars(turn(select(SiteRow), SiteRow.id, limit=limit, cursor=cursor))
    return page([_view(row) for row in rows], limit, lambda site: site.site_id)


@operation("sites.get_site", allow={"member", "guard", "desk", "manager", "admin", "service"}, reads=True)
async def get_site(ctx: Context, *, site_id: int) -> SiteView:
    """Return one site."""
    return _view(await _site(ctx, site_id))


@operation("sites.create_site", allow={"admin"}, aliases={"timezone": "timeZone"})
async def create_site(ctx: Context, *, name: Name, time_zone: TimeZone = "UTC") -> SiteView:
    """Open a site."""
    row = SiteRow(name=name, time_zone=known_zone(time_zone), created_at=ctx.now)
    ctx.db.add(row)
    await ctx.db.flush()
    ctx.emit(SiteCreated(site_id=row.id), of=row)
    return _view(row)


@operation("sites.change_site", allow={"manager", "admin"}, aliases={"timezone": "timeZone"})
async def change_site(
    ctx: Context, *, site_id: int, name: Name | None = None, time_zone: TimeZone | None = None
) -> SiteView:
    """Change a site's name or time zone; what is not given stays."""
    ctx.require("manager", site_id=site_id)
    row = await _site(ctx, site_id, lock=True)
    row.name = row.name if name is None else name
    row.time_zone = row.time_zone if time_zone is None else known_zone(time_zone)
    ctx.emit(SiteUpdated(site_id=row.id), of=row)
    return _view(row)


@operation("sites.move_site", allow={"admin"})
async def move_site(ctx: Context, *, site_id: int, shard: Shard) -> SiteView:
    """Have another shard take in what the site's gates report, for houses whose gates are too many for one process."""
    row = await _site(ctx, site_id, lock=True)
    if row.shard != shard:
        row.shard = shard
        ctx.emit(SiteMoved(site_id=row.id, shard=shard), of=row)
    return _view(row)


@operation("sites.list_placements", allow={"service"}, reads=True)
async def list_placements(ctx: Context) -> list[Placement]:
    """List which shard each site belongs to."""
    rows = await ctx.db.execute(select(SiteRow.id, SiteRow.shard, SiteRow.followed).order_by(SiteRow.id))
    return [Placement(*row) for row in rows]


@operation("sites.note_followed", allow={"service"}, replays=False)
async def note_followed(ctx: Context, *, shard: Shard, site_ids: list[int]) -> None:
    """Note that the session of a shard follows the gates of these sites by now, so that another's may let them go."""
    mine = SiteRow.id.in_(site_ids) & (SiteRow.shard == shard)
    rows = await ctx.db.scalars(
        select(SiteRow).where(mine).order_by(SiteRow.id).with_for_update(key_share=True)
    )
    for row in rows:
        row.followed = shard


def known_zone(time_zone: str) -> str:
    """Return the zone's name if there is such a zone.

    Raises:
        Invalid: There is none.
    """
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError) as error:
        raise Invalid.field("timeZone", f"{time_zone!r} is no IANA time zone") from error
    return time_zone


async def all_sites(ctx: Context) -> Sequence[int]:
    """Return the ids of all sites, for the contexts above."""
    return (await ctx.db.scalars(select(SiteRow.id).order_by(SiteRow.id))).all()


async def sites_of_shard(ctx: Context, shard: int) -> Sequence[int]:
    """Return the ids of a shard's sites, for the contexts above."""
    return (await ctx.db.scalars(select(SiteRow.id).where(SiteRow.shard == shard).order_by(SiteRow.id))).all()


async def time_zone_of(ctx: Context, site_id: int) -> str:
    """Return the time zone of a site, for the contexts above."""
    return (await _site(ctx, site_id)).time_zone


async def lock_site(ctx: Context, site_id: int) -> None:
    """Keep what holds for a whole site from changing hands till the transaction ends, for the contexts above."""
    await _site(ctx, site_id, lock=True)


async def names_of(ctx: Context, site_ids: Collection[int]) -> dict[int, str]:
    """Return how these sites are called, for the contexts above; ids that no site has are left out."""
    if not site_ids:
        return {}
    named = select(SiteRow.id, SiteRow.name).where(SiteRow.id.in_(site_ids))
    return {site_id: name for site_id, name in (await ctx.db.execute(named))}


async def _site(ctx: Context, site_id: int, *, lock: bool = False) -> SiteRow:
    row = await ctx.db.get(SiteRow, site_id, with_for_update={"key_share": True} if lock else None)
    if row is None:
        raise NotFound(f"There is no site {site_id}")
    return row


def _view(row: SiteRow) -> SiteView:
    return SiteView(row.id, row.name, row.time_zone, row.shard)
