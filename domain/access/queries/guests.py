"""Guests as others need to see them: the expected ones of a day, and what letters to them say."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Row, Select, select

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
    live_code: bool
    """It is shown by a code that changes, so that a picture of it opens nothing."""


Guests = Select[*tuple[Any, ...]]
# Any: the columns that `guests` chooses, by their names


@cache
def guests() -> Guests:
    """Return the query for guest passes with their grants; columns only, for in a rush they are very many."""
    guest, grant = GuestPassRow, GrantRow
    about = (
        guest.id,
        guest.site_id,
        guest.host_user_id,
        guest.guest_name,
        guest.guest_email,
        guest.arrived_at,
    )
    when = (
        guest.version,
        guest.grant_id,
        grant.valid_from,
        grant.valid_until,
        grant.taken,
        grant.inside_zone_id,
    )
    return select(*about, *when, grant.revoked_at, grant.live_code).join(grant, grant.id == guest.grant_id)


async def todays_guests(ctx: Context, site_id: int) -> Guests:
    """Return the query for guests of a site whose window touches its day."""
    start, end = day_bounds(ctx.now, await time_zone_of(ctx, site_id))
    touching = (GrantRow.valid_from < end) & (GrantRow.valid_until > start)
    return guests().where(GuestPassRow.site_id == site_id, touching)


async def guest_items(ctx: Context, chosen: Guests) -> Mapping[int, list[Item]]:
    """Run such a query; return the items by site."""
    rows = (await ctx.db.execute(chosen)).all()
    hosts = await names_of(ctx, {row.host_user_id for row in rows})
    found: defaultdict[int, list[Item]] = defaultdict(list)
    for row in rows:
        # both rows move: the pass when it is made or revoked, the grant with each hold and passage
        version = row.version + row.taken
        item = Item(key=f"pass:{row.id}", version=version, data=_shown(ctx.now, row, hosts))
        found[row.site_id].append(item)
    return found


async def guest_passes_of(ctx: Context, ids: Collection[int]) -> dict[int, GuestPassFacts]:
    """Return what letters say of these guest passes, by id."""
    rows = await ctx.db.execute(guests().where(GuestPassRow.id.in_(ids)))
    return {
        row.id: GuestPassFacts(
            guest_pass_id=row.id,
            grant_id=row.grant_id,
            site_id=row.site_id,
            host_user_id=row.host_user_id,
            guest_name=row.guest_name,
            guest_email=row.guest_email,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            live_code=row.live_code,
        )
        for row in rows
    }


def _shown(now: datetime, row: Row[*tuple[Any, ...]], hosts: Mapping[int, str]) -> GuestItem:
    return GuestItem(
        guest_pass_id=row.id,
        guest_name=row.guest_name,
        host_user_id=row.host_user_id,
        host_name=hosts.get(row.host_user_id, ""),
        start=row.valid_from,
        end=row.valid_until,
        state=guest_state(
            revoked=row.revoked_at is not None,
            inside=row.inside_zone_id is not None,
            arrived=row.arrived_at is not None,
            until=row.valid_until,
            now=now,
        ),
        arrived_at=row.arrived_at,
    )
