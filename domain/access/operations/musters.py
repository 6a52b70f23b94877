"""Musters: everybody who is inside is accounted for, by several guards at once.

1. A site has one muster under way. Whoever begins one where there is one gets that one.
2. A person has one mark. Of two who mark the same person the first did, and both see who.
3. Who shows a pass at a gate from outside, walks out, or comes to a place where people gather, is safe; who walks in
   again is not. A pass that was revoked or has ended counts as any other, with a warning.
4. Rows are locked in the order site, gates, muster, marks.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import func, select

from domain.access.events import MusterBegun, MusterEnded, MusterMarked
from domain.access.operations.modes import Why, order_site
from domain.access.operations.pass_codes import pass_shown
from domain.access.queries.muster_items import Kept, MusterView, muster_views, musters_under_way, scene_of
from domain.access.queries.presence import Person, people_inside, zone_sums
from domain.access.rules.muster import ZoneSum
from domain.access.tables.musters import MusterMarkRow, MusterRow
from domain.access.tables.place import ZoneRow
from domain.access.tables.record import AccessLogRow
from domain.access.tables.rights import GrantRow
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn
from domain.sites.operations import lock_site

Points = Annotated[list[int], msgspec.Meta(max_length=32)]
Presented = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class MusterOver(DomainError):
    """A muster that has ended."""

    code, title = "muster_over", "This muster has ended"


class MusterSheet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All of a muster at one moment, to be printed or kept on a phone; without ``muster``, who is inside."""

    at: datetime
    site_id: int
    muster: MusterView | None
    zones: Sequence[ZoneSum]
    people: Sequence[Person]


@operation("access.begin_muster", allow={"guard", "desk", "manager", "admin"})
async def begin_muster(
    ctx: Context, *, site_id: int, reason: Why, evacuate: bool = False, point_zone_ids: Points | None = None
) -> MusterView:
    """Begin to account for everybody inside; with ``evacuate`` the gates let everybody out as well.

    ``pointZoneIds`` are zones where people gather: who is seen there is safe. One that is under way is returned.
    """
    ctx.require(*STAFF, site_id=site_id)
    points = sorted(set(point_zone_ids or ()))
    known = select(ZoneRow.id).where(ZoneRow.site_id == site_id, ZoneRow.id.in_(points))
    if strangers := sorted(set(points) - set(await ctx.db.scalars(known))):
        raise Invalid.field("pointZoneIds", f"site {site_id} has no zone {strangers[0]}")
    if evacuate:
        await order_site(ctx, site_id=site_id, mode="evacuate", reason=reason)
    await lock_site(ctx, site_id)
    row = (await musters_under_way(ctx, [site_id])).get(site_id)
    if row is None:
        row = MusterRow(
            site_id=site_id,
            reason=reason,
            begun_by=ctx.caller.user_id,
            begun_at=ctx.now,
            points=points,
            looked_at=ctx.now,
        )
        ctx.db.add(row)
        await ctx.db.flush()
        ctx.emit(MusterBegun(muster_id=row.id, site_id=site_id), of=row)
    return (await muster_views(ctx, [row]))[0]


@operation("access.list_musters", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def list_musters(
    ctx: Context, *, site_id: int, limit: Limit = 50, cursor: str | None = None
) -> Page[MusterView]:
    """List the musters of a site, the newest first."""
    ctx.require(*STAFF, site_id=site_id)
    chosen = select(MusterRow).where(MusterRow.site_id == site_id)
    chosen = turn(chosen, MusterRow.id, limit=limit, cursor=cursor, newest_first=True)
    rows = (await ctx.db.scalars(chosen)).all()
    return page(await muster_views(ctx, rows), limit, lambda one: one.muster_id)


@operation("access.show_muster", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def show_muster(ctx: Context, *, muster_id: int) -> MusterSheet:
    """Return all of a muster: its people with where they were seen last, its zones and how their numbers come about."""
    row = await _visible(ctx, muster_id)
    kept = None if row.summary is None else msgspec.convert(row.summary, Kept)
    marks = select(MusterMarkRow.grant_id).where(MusterMarkRow.muster_id == muster_id)
    only = None if kept is None else set(await ctx.db.scalars(marks))
    people = await people_inside(ctx, row.site_id, muster_id=muster_id, only=only)
    return MusterSheet(
        at=ctx.now,
        site_id=row.site_id,
        muster=(await muster_views(ctx, [row]))[0],
        zones=await zone_sums(ctx, row.site_id, people) if kept is None else kept.zones,
        people=[known.person for known in people],
    )


@operation("access.list_inside", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def list_inside(ctx: Context, *, site_id: int) -> MusterSheet:
    """Return who is inside a site now, how sure that is, and how the numbers of its zones come about."""
    ctx.require(*STAFF, site_id=site_id)
    people = await people_inside(ctx, site_id)
    return MusterSheet(
        at=ctx.now,
        site_id=site_id,
        muster=None,
        zones=await zone_sums(ctx, site_id, people),
        people=[known.person for known in people],
    )


@operation("access.mark_safe", allow={"guard", "desk", "manager", "admin"})
async def mark_safe(ctx: Context, *, muster_id: int, pass_id: int) -> Person:
    """Note that somebody is safe, on the word of whoever sees them; who was marked before stays so."""
    muster = await _under_way(ctx, muster_id)
    await _of_site(ctx, muster, pass_id)
    await _mark(ctx, muster, pass_id, safe=True, way="tap")
    return await _person(ctx, muster, pass_id)


@operation("access.scan_safe", allow={"guard", "desk", "manager", "admin"})
async def scan_safe(ctx: Context, *, muster_id: int, presented: Presented) -> Person:
    """Note that somebody is safe whose pass a guard has read; also one that opens nothing any more, with a warning."""
    muster = await _under_way(ctx, muster_id)
    pass_id = await pass_shown(ctx, presented)
    if pass_id is None:
        raise Invalid.field("presented", "is no pass of ours")
    await _of_site(ctx, muster, pass_id)
    await _mark(ctx, muster, pass_id, safe=True, way="scan")
    return await _person(ctx, muster, pass_id)


@operation("access.unmark_safe", allow={"guard", "desk", "manager", "admin"})
async def unmark_safe(ctx: Context, *, muster_id: int, pass_id: int) -> Person:
    """Take back that somebody is safe."""
    muster = await _under_way(ctx, muster_id)
    await _of_site(ctx, muster, pass_id)
    if await ctx.db.get(MusterMarkRow, (muster_id, pass_id)) is not None:
        await _mark(ctx, muster, pass_id, safe=False, way="tap")
    return await _person(ctx, muster, pass_id)


@operation("access.end_muster", allow={"guard", "desk", "manager", "admin"})
async def end_muster(ctx: Context, *, muster_id: int) -> MusterView:
    """End a muster and keep its numbers, with who was not found. Gates stay as they were ordered."""
    muster = await _under_way(ctx, muster_id)
    people = await people_inside(ctx, muster.site_id, muster_id=muster_id)
    summary = (await scene_of(ctx, muster)).summary
    kept = Kept(summary, await zone_sums(ctx, muster.site_id, people))
    inside = [known.person for known in people if known.person.zone_id is not None]
    unmarked = [person.pass_id for person in inside if person.marked_way is None]
    ctx.db.add_all(_row(ctx, muster, pass_id, safe=False, way="tap") for pass_id in unmarked)
    muster.ended_at, muster.ended_by = ctx.now, ctx.caller.user_id
    muster.summary = msgspec.to_builtins(kept)
    told = {"muster_id": muster_id, "site_id": muster.site_id}
    ctx.emit(MusterEnded(**told, safe=summary.safe, missing=summary.missing), of=muster)
    return (await muster_views(ctx, [muster], summary))[0]


async def mark_at_gate(ctx: Context, muster: MusterRow, event: AccessLogRow, *, safe: bool) -> bool:
    """Have an event of a gate count for a person, unless a newer one has, or somebody has said otherwise since."""
    assert event.grant_id is not None
    mark = await ctx.db.get(MusterMarkRow, (muster.id, event.grant_id))
    if mark is not None and mark.access_id >= event.id:
        return False
    if mark is None and not safe:
        return False
    return await _mark(
        ctx, muster, event.grant_id, safe=safe, way="gate", gate_id=event.gate_id, access_id=event.id
    )


async def _mark(
    ctx: Context,
    muster: MusterRow,
    pass_id: int,
    *,
    safe: bool,
    way: str,
    gate_id: int | None = None,
    access_id: int | None = None,
) -> bool:
    """Set a mark under the muster's lock; return whether that changed anything."""
    seen = access_id if access_id is not None else await _newest_event(ctx, muster, pass_id)
    mark = await ctx.db.get(MusterMarkRow, (muster.id, pass_id))
    if mark is not None and mark.safe == safe:
        mark.access_id = max(mark.access_id, seen)
        return False
    if mark is None:
        mark = _row(ctx, muster, pass_id, safe=safe, way=way)
        ctx.db.add(mark)
    mark.safe, mark.way, mark.at, mark.marked_by = safe, way, ctx.now, ctx.caller.user_id
    mark.gate_id, mark.access_id, mark.version = gate_id, seen, (mark.version or 0) + 1
    told = {"muster_id": muster.id, "site_id": muster.site_id, "grant_id": pass_id}
    ctx.emit(MusterMarked(**told, safe=safe), of=muster)
    return True


def _row(ctx: Context, muster: MusterRow, pass_id: int, *, safe: bool, way: str) -> MusterMarkRow:
    return MusterMarkRow(
        muster_id=muster.id, grant_id=pass_id, safe=safe, way=way, access_id=0, at=ctx.now, version=0
    )


async def _newest_event(ctx: Context, muster: MusterRow, pass_id: int) -> int:
    mine = select(func.max(AccessLogRow.id)).where(
        AccessLogRow.grant_id == pass_id, AccessLogRow.received_at >= muster.begun_at
    )
    return await ctx.db.scalar(mine) or 0


async def _visible(ctx: Context, muster_id: int) -> MusterRow:
    row = await ctx.db.get(MusterRow, muster_id)
    if row is None or not ctx.caller.holds(*STAFF, site_id=row.site_id):
        raise NotFound(f"There is no muster {muster_id}")
    return row


async def _under_way(ctx: Context, muster_id: int) -> MusterRow:
    await _visible(ctx, muster_id)
    row = await ctx.db.get_one(
        MusterRow, muster_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if row.ended_at is not None:
        raise MusterOver("Begin another one, if people are to be accounted for again")
    return row


async def _of_site(ctx: Context, muster: MusterRow, pass_id: int) -> None:
    grant = await ctx.db.get(GrantRow, pass_id)
    if grant is None or grant.site_id != muster.site_id:
        raise Invalid.field("passId", f"site {muster.site_id} has no pass {pass_id}")


async def _person(ctx: Context, muster: MusterRow, pass_id: int) -> Person:
    await ctx.db.flush()
    [known] = await people_inside(ctx, muster.site_id, muster_id=muster.id, only=[pass_id])
    return known.person
