"""A muster as guards see it: its numbers, its zones, its people."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import func, select

from domain.access.queries.presence import Known, people_inside
from domain.access.rules.muster import ZoneSum
from domain.access.tables.musters import MusterMarkRow, MusterRow
from domain.access.tables.place import ZoneRow
from domain.access.tables.rights import GrantRow
from domain.identity.queries.people import names_of
from domain.kernel.context import Context
from domain.kernel.feeds import Item


class Summary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The numbers: people inside, those with a pass we know, and of these not found yet; ``safe`` is all marked so."""

    inside: int
    known: int
    unknown: int
    safe: int
    missing: int


class MusterView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One muster; while it is under way ``summary`` holds the numbers of the moment, then those it ended with."""

    muster_id: int
    site_id: int
    reason: str
    point_zone_ids: Sequence[int]
    begun_by: int | None
    begun_by_name: str | None
    begun_at: datetime
    ended_by: int | None
    ended_by_name: str | None
    ended_at: datetime | None
    summary: Summary


class ZoneItem(msgspec.Struct, frozen=True, rename="camel"):
    """How many are in a zone, how many of them we know and how many are safe."""

    zone_id: int
    name: str
    inside: int
    known: int
    unknown: int
    safe: int


class Kept(msgspec.Struct, frozen=True, rename="camel"):
    """What is kept of a muster that has ended: numbers, and no names of persons."""

    summary: Summary
    zones: Sequence[ZoneSum]


class Scene(msgspec.Struct, frozen=True):
    """The zones of a site with what is known of each: (inside, known, safe), and how many are safe in all."""

    zones: Sequence[ZoneRow]
    known: Mapping[int, int]
    safe: Mapping[int, int]
    safe_in_all: int

    @property
    def summary(self) -> Summary:
        """The numbers of the site."""
        known = sum(self.known.values())
        return Summary(
            inside=sum(max(zone.inside, 0) for zone in self.zones),
            known=known,
            unknown=sum(max(zone.inside - self.known.get(zone.id, 0), 0) for zone in self.zones),
            safe=self.safe_in_all,
            missing=known - sum(self.safe.values()),
        )


async def scene_of(ctx: Context, muster: MusterRow) -> Scene:
    """Return the zones of a muster's site, and how many of whom we know in each are safe."""
    zones = select(ZoneRow).where(ZoneRow.site_id == muster.site_id).order_by(ZoneRow.id)
    mark = (MusterMarkRow.muster_id == muster.id) & (MusterMarkRow.grant_id == GrantRow.id)
    safe = func.count().filter(MusterMarkRow.safe)
    counted = select(GrantRow.inside_zone_id, func.count(), safe).outerjoin(MusterMarkRow, mark)
    inside = GrantRow.inside_zone_id.is_not(None) & (GrantRow.site_id == muster.site_id)
    rows = (await ctx.db.execute(counted.where(inside).group_by(GrantRow.inside_zone_id))).all()
    marked = select(func.count()).where(MusterMarkRow.muster_id == muster.id, MusterMarkRow.safe)
    fresh = zones.execution_options(populate_existing=True)
    return Scene(
        zones=(await ctx.db.scalars(fresh)).all(),
        known={row[0]: row[1] for row in rows if row[0] is not None},
        safe={row[0]: row[2] for row in rows if row[0] is not None},
        safe_in_all=await ctx.db.scalar(marked) or 0,
    )


async def musters_under_way(ctx: Context, site_ids: Collection[int]) -> dict[int, MusterRow]:
    """Return the musters under way at these sites, by site."""
    chosen = select(MusterRow).where(MusterRow.site_id.in_(site_ids), MusterRow.ended_at.is_(None))
    return {row.site_id: row for row in await ctx.db.scalars(chosen)}


async def muster_views(
    ctx: Context, musters: Sequence[MusterRow], summary: Summary | None = None
) -> list[MusterView]:
    """Return musters with the names that belong to them; ``summary`` where the caller knows it of the only one."""
    people = {muster.begun_by for muster in musters} | {muster.ended_by for muster in musters}
    names = await names_of(ctx, {user_id for user_id in people if user_id is not None})
    return [_view(one, names, summary or await _summary(ctx, one)) for one in musters]


async def _summary(ctx: Context, muster: MusterRow) -> Summary:
    if muster.summary is not None:
        return msgspec.convert(muster.summary, Kept).summary
    return (await scene_of(ctx, muster)).summary


def _view(muster: MusterRow, names: Mapping[int, str], summary: Summary) -> MusterView:
    return MusterView(
        muster_id=muster.id,
        site_id=muster.site_id,
        reason=muster.reason,
        point_zone_ids=muster.points,
        begun_by=muster.begun_by,
        begun_by_name=names.get(muster.begun_by or 0),
        begun_at=muster.begun_at,
        ended_by=muster.ended_by,
        ended_by_name=names.get(muster.ended_by or 0),
        ended_at=muster.ended_at,
        summary=summary,
    )


async def muster_items(ctx: Context, muster: MusterRow, *, only: Collection[int] | None = None) -> list[Item]:
    """Return the items of a muster: its numbers, its zones, and all of its people or those asked for."""
    scene = await scene_of(ctx, muster)
    people = await people_inside(ctx, muster.site_id, muster_id=muster.id, only=only)
    over, head = muster.ended_at is not None, _key(muster)
    version = muster.version + sum(zone.version for zone in scene.zones)
    shown = None if over else (await muster_views(ctx, [muster], scene.summary))[0]
    return [
        Item(key=head, version=version, data=shown, gone=over),
        *(_zone(muster, zone, scene) for zone in scene.zones),
        *(_person(muster, known) for known in people),
    ]


def _zone(muster: MusterRow, zone: ZoneRow, scene: Scene) -> Item:
    known = scene.known.get(zone.id, 0)
    key, version = f"{_key(muster)}/zone:{zone.id}", zone.version + muster.version
    if muster.ended_at is not None:
        return Item(key=key, version=version, gone=True)
    inside = max(zone.inside, 0)
    unknown = max(zone.inside - known, 0)
    shown = ZoneItem(zone.id, zone.name, inside, known, unknown, scene.safe.get(zone.id, 0))
    return Item(key=key, version=version, data=shown)


def _person(muster: MusterRow, known: Known) -> Item:
    key = f"{_key(muster)}/pass:{known.person.pass_id}"
    if muster.ended_at is not None or not known.listed:
        return Item(key=key, version=known.version, gone=True)
    return Item(key=key, version=known.version, data=known.person)


def _key(muster: MusterRow) -> str:
    return f"muster:{muster.id}"
