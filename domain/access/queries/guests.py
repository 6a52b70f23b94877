"""Guests as others need to see them: the expected ones of a day, and what letters to them say."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Select, select

from domain.access.rules.windows import guest_state
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.identity.queries.people import names_of
from domain.kernel.context import Context
from domain.kernel.feeds import Item
from domain.kernel.times import day_bounds
from domain.sites.operations import time_zone_of


class GuestItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One guest on the list of the day."""

    guest_pass_id: int
    guest_name: str
    host_user_id: int
    host_name: str
    start: datetime
    end: datetime
    state: str
    arrived_at: datetime | None


class GuestPassFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter about a guest pass says."""

    guest_pass_id: int
    grant_id: int
    site_id: int
    host_user_id: int
    guest_name: str
    guest_email: str | None
    valid_from: datetime
    valid_until: datetime


def guests() -> Select[GuestPassRow, GrantRow]:
    """Return the query for guest passes with their grants."""
    return select(GuestPassRow, GrantRow).join(GrantRow, GrantRow.id == GuestPassRow.grant_id)


async def todays_guests(ctx: Context, site_id: int) -> Select[GuestPassRow, GrantRow]:
    """Return the query for guests of a site whose window touches its day."""
    start, end = day_bounds(ctx.now, await time_zone_of(ctx, site_id))
    touching = (GrantRow.valid_from < end) & (GrantRow.valid_until > start)
    return guests().where(GuestPassRow.site_id == site_id, touching)


async def guest_items(ctx: Context, chosen: Select[GuestPassRow, GrantRow]) -> Mapping[int, list[Item]]:
    """Run such a query; return the items by site."""
    rows = (await ctx.db.execute(chosen)).all()
    hosts = await names_of(ctx, {guest.host_user_id for guest, _ in rows})
    found: defaultdict[int, list[Item]] = defaultdict(list)
    for guest, grant in rows:
        shown = _shown(ctx, guest, grant, hosts)
        # both rows move: the pass when it is made or revoked, the grant with each hold and passage
        version = guest.version + grant.taken
        found[guest.site_id].append(Item(key=f"pass:{guest.id}", version=version, data=shown))
    return found


async def guest_passes_of(ctx: Context, ids: Collection[int]) -> dict[int, GuestPassFacts]:
    """Return what letters say of these guest passes, by id."""
    rows = await ctx.db.execute(guests().where(GuestPassRow.id.in_(ids)))
    return {
        guest.id: GuestPassFacts(
            guest_pass_id=guest.id,
            grant_id=grant.id,
            site_id=guest.site_id,
            host_user_id=guest.host_user_id,
            guest_name=guest.guest_name,
            guest_email=guest.guest_email,
            valid_from=grant.valid_from,
            valid_until=grant.valid_until,
        )
        for guest, grant in rows
    }


def _shown(ctx: Context, guest: GuestPassRow, grant: GrantRow, hosts: Mapping[int, str]) -> GuestItem:
    return GuestItem(
        guest_pass_id=guest.id,
        guest_name=guest.guest_name,
        host_user_id=guest.host_user_id,
        host_name=hosts.get(guest.host_user_id, ""),
        start=grant.valid_from,
        end=grant.valid_until,
        state=guest_state(
            revoked=grant.revoked_at is not None,
            inside=grant.inside_zone_id is not None,
            arrived=guest.arrived_at is not None,
            until=grant.valid_until,
            now=ctx.now,
        ),
        arrived_at=guest.arrived_at,
    )
