"""What one can follow of access: the log, the zones, the gates, the guests of the day. For staff of the site."""

from collections import defaultdict
from collections.abc import Sequence
from heapq import nlargest
from operator import attrgetter
from typing import Annotated

import msgspec
from sqlalchemy import select

from domain.access.events import (
    AccessRecorded,
    GateChanged,
    GateObeyed,
    GateOffline,
    GateOnline,
    GateOrdered,
    GuestPassExpired,
    GuestPassRequested,
    GuestPassRevoked,
    VisitLogged,
    ZoneChanged,
)
from domain.access.queries.gate_items import gate_items
from domain.access.queries.guests import Guests, guest_items
from domain.access.queries.guests import guests as guest_rows
from domain.access.queries.log_entries import FIRST_ROWS, LogEntry, entries, newest_by_key, read_entries
from domain.access.tables.place import ZoneRow
from domain.access.tables.record import AccessLogRow
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.identity.queries.people import names_of
from domain.kernel.context import Context
from domain.kernel.database import among
from domain.kernel.feeds import Feed, Item, Shown
from domain.kernel.times import day_bounds
from domain.sites.operations import time_zone_of

log = Feed("access:{site_id}", remembers=300)
occupancy = Feed("occupancy:{site_id}", remembers=300)
gates = Feed("gates:{site_id}", remembers=300)
guests = Feed("guests:{site_id}", remembers=300)
pulse = Feed("pulse:{site_id}", remembers=0)


class ZoneItem(msgspec.Struct, frozen=True, rename="camel"):
    """How full a zone is."""

    zone_id: int
    name: str
    inside: int
    capacity: int | None


class Looking(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody attends to a row of the log, or does so no longer."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    looking: bool = True


class Looked(msgspec.Struct, frozen=True, rename="camel"):
    """What the others on duty hear of it."""

    key: str
    looking: bool
    name: str


@log.may
@occupancy.may
@gates.may
@guests.may
@pulse.may
async def staff_only(ctx: Context, *, site_id: int) -> None:
    """Let staff of the site follow."""
    ctx.require("guard", "desk", "manager", site_id=site_id)


@log.first
async def last_entries(ctx: Context, *, site_id: int) -> list[Item]:
    """The last hundred events."""
    chosen = (
        entries().where(AccessLogRow.site_id == site_id).order_by(AccessLogRow.id.desc()).limit(FIRST_ROWS)
    )
    return [_item(entry) for entry in newest_by_key(await read_entries(ctx, chosen))]


@log.signals(Looking)
async def tell_who_looks(ctx: Context, signal: Looking, *, site_id: int) -> Looked:
    """Tell the others on duty who attends to a row, so that one goes and not three."""
    names = await names_of(ctx, [ctx.user_id])
    return Looked(signal.key, signal.looking, names.get(ctx.user_id, ""))


@log.shows(AccessRecorded)
async def show_entries(ctx: Context, facts: Sequence[AccessRecorded]) -> Shown:
    """New events, one row per passage; of a rush no more than a first view shows, for all older ones are off it."""
    seen = _newest_of_each_site(facts)
    # the moments of receipt spare looking into the partitions of other days
    moments = {fact.received_at for fact in seen}
    these = among(AccessLogRow.id, [fact.access_id for fact in seen])
    chosen = entries().where(these, AccessLogRow.received_at.between(min(moments), max(moments)))
    shown: defaultdict[str, list[Item]] = defaultdict(list)
    for entry in newest_by_key(await read_entries(ctx, chosen)):
        shown[log.channel(site_id=entry.site_id)].append(_item(entry))
    return shown


def _newest_of_each_site(facts: Sequence[AccessRecorded]) -> list[AccessRecorded]:
    by_site: defaultdict[int, list[AccessRecorded]] = defaultdict(list)
    for fact in facts:
        by_site[fact.site_id].append(fact)
    return [
        fact
        for those in by_site.values()
        for fact in nlargest(FIRST_ROWS, those, key=attrgetter("access_id"))
    ]


@occupancy.first
async def zones(ctx: Context, *, site_id: int) -> list[Item]:
    """Every zone of the site."""
    return (await _zones(ctx, [site_id])).get(site_id, [])


@occupancy.shows(AccessRecorded)
async def show_passages(ctx: Context, facts: Sequence[AccessRecorded]) -> Shown:
    """The zones of sites where somebody walked."""
    return await _shown_zones(ctx, {fact.site_id for fact in facts if fact.kind == "passage"})


@occupancy.shows(ZoneChanged)
async def show_zone_changes(ctx: Context, facts: Sequence[ZoneChanged]) -> Shown:
    """The zones of sites whose zones were changed."""
    return await _shown_zones(ctx, {fact.site_id for fact in facts})


@gates.first
async def all_gates(ctx: Context, *, site_id: int) -> list[Item]:
    """Every gate of the site."""
    return (await gate_items(ctx, site_id=site_id)).get(site_id, [])


@gates.shows(GateChanged, GateOnline, GateOffline, GateOrdered, GateObeyed, AccessRecorded)
async def show_gates(ctx: Context, facts: Sequence[GateChanged | AccessRecorded]) -> Shown:
    """Gates that were changed, came or went, or reported something."""
    found = await gate_items(ctx, sorted({fact.gate_id for fact in facts}))
    return {gates.channel(site_id=site_id): items for site_id, items in found.items()}


@guests.first
async def todays_guests(ctx: Context, *, site_id: int) -> list[Item]:
    """Guests whose window touches the site's day."""
    chosen = await _today(ctx, site_id)
    found = await guest_items(ctx, chosen.order_by(GrantRow.valid_from, GuestPassRow.id).limit(500))
    return found.get(site_id, [])


@guests.shows(GuestPassRequested, GuestPassRevoked, GuestPassExpired, VisitLogged)
async def show_guests(ctx: Context, facts: Sequence[GuestPassRequested | VisitLogged]) -> Shown:
    """Today's guests who were asked for, refused, came or left."""
    ids = {fact.guest_pass_id for fact in facts}
    shown: dict[str, list[Item]] = {}
    for site_id in sorted({fact.site_id for fact in facts}):
        found = await guest_items(ctx, (await _today(ctx, site_id)).where(among(GuestPassRow.id, ids)))
        shown[guests.channel(site_id=site_id)] = found.get(site_id, [])
    return shown


async def _today(ctx: Context, site_id: int) -> Guests:
    """Guests of a site whose window touches its day."""
    start, end = day_bounds(ctx.now, await time_zone_of(ctx, site_id))
    touching = (GrantRow.valid_from < end) & (GrantRow.valid_until > start)
    return guest_rows().where(GuestPassRow.site_id == site_id, touching)


def _item(entry: LogEntry) -> Item:
    return Item(key=entry.key, version=entry.seq, data=entry)


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
