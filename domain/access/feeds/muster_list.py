"""The muster under way at a site, for all who mark people at once; nothing while there is none."""

from collections.abc import Collection, Sequence

from sqlalchemy import select

from domain.access.events import (
    AccessRecorded,
    GateAlarmRaised,
    GuestPassExpired,
    GuestPassForgiven,
    GuestPassRevoked,
    MusterBegun,
    MusterEnded,
    MusterMarked,
    PassRevoked,
)
from domain.access.feeds.door import staff_only
from domain.access.queries.log_entries import MOVES
from domain.access.queries.muster_items import muster_items, musters_under_way
from domain.access.rules.muster import DOUBTS
from domain.access.tables.musters import MusterRow
from domain.access.tables.record import AccessLogRow
from domain.access.tables.rights import GuestPassRow
from domain.kernel.context import Context
from domain.kernel.database import among
from domain.kernel.feeds import Feed, Item, Shown

muster = Feed("muster:{site_id}", remembers=300)
muster.may(staff_only)


@muster.first
async def whole_muster(ctx: Context, *, site_id: int) -> list[Item]:
    """The muster under way with its zones and everybody inside or marked."""
    found = (await musters_under_way(ctx, [site_id])).get(site_id)
    return [] if found is None else await muster_items(ctx, found)


@muster.shows(MusterBegun, MusterEnded)
async def show_whole(ctx: Context, facts: Sequence[MusterBegun | MusterEnded]) -> Shown:
    """All of a muster that has begun; of one that has ended everything is gone."""
    chosen = select(MusterRow).where(MusterRow.id.in_({fact.muster_id for fact in facts}))
    rows = (await ctx.db.scalars(chosen)).all()
    return {muster.channel(site_id=row.site_id): await muster_items(ctx, row) for row in rows}


@muster.shows(MusterMarked)
async def show_marks(ctx: Context, facts: Sequence[MusterMarked]) -> Shown:
    """People who were marked."""
    return await _shown(ctx, {fact.site_id for fact in facts}, {fact.grant_id for fact in facts})


@muster.shows(AccessRecorded)
async def show_moves(ctx: Context, facts: Sequence[AccessRecorded]) -> Shown:
    """People who walked, or were said to be elsewhere, while a muster is under way."""
    moves = [fact for fact in facts if fact.kind in MOVES]
    under_way = await musters_under_way(ctx, {fact.site_id for fact in moves}) if moves else {}
    if not under_way:
        return {}
    moments = {fact.received_at for fact in moves}
    whose = select(AccessLogRow.grant_id).where(
        among(AccessLogRow.id, [fact.access_id for fact in moves]),
        AccessLogRow.received_at.between(min(moments), max(moments)),
        AccessLogRow.grant_id.is_not(None),
    )
    moved = {grant_id for grant_id in await ctx.db.scalars(whose) if grant_id is not None}
    return await _shown(ctx, under_way.keys(), moved)


@muster.shows(GuestPassRevoked, GuestPassExpired, GuestPassForgiven)
async def show_passes(ctx: Context, facts: Sequence[GuestPassRevoked | GuestPassExpired]) -> Shown:
    """People whose passes were withdrawn or have ended: they are to be found all the same."""
    chosen = select(GuestPassRow.grant_id).where(GuestPassRow.id.in_({fact.guest_pass_id for fact in facts}))
    return await _shown(ctx, {fact.site_id for fact in facts}, set(await ctx.db.scalars(chosen)))


@muster.shows(PassRevoked)
async def show_badges(ctx: Context, facts: Sequence[PassRevoked]) -> Shown:
    """The same of badges and other passes."""
    return await _shown(ctx, {fact.site_id for fact in facts}, {fact.pass_id for fact in facts})


@muster.shows(GateAlarmRaised)
async def show_doubts(ctx: Context, facts: Sequence[GateAlarmRaised]) -> Shown:
    """Everybody at sites where somebody may have passed unseen."""
    return await _shown(ctx, {fact.site_id for fact in facts if fact.alarm in DOUBTS}, None)


async def _shown(ctx: Context, sites: Collection[int], only: Collection[int] | None) -> Shown:
    under_way = await musters_under_way(ctx, sites) if sites else {}
    return {
        muster.channel(site_id=site_id): await muster_items(ctx, row, only=only)
        for site_id, row in under_way.items()
    }
