"""The guests of the day."""

from collections.abc import Sequence

from domain.access.events import (
    GuestPassErased,
    GuestPassExpired,
    GuestPassForgiven,
    GuestPassRequested,
    GuestPassRevoked,
    VisitLogged,
)
from domain.access.feeds.door import staff_only
from domain.access.queries.guests import guest_items
from domain.access.queries.guests import todays_guests as expected
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.kernel.context import Context
from domain.kernel.database import among
from domain.kernel.feeds import Feed, Item, Shown

guests = Feed("guests:{site_id}", remembers=300)
guests.may(staff_only)


@guests.first
async def todays_guests(ctx: Context, *, site_id: int) -> list[Item]:
    """Guests whose window touches the site's day."""
    chosen = await expected(ctx, site_id)
    found = await guest_items(ctx, chosen.order_by(GrantRow.valid_from, GuestPassRow.id).limit(500))
    return found.get(site_id, [])


@guests.shows(
    GuestPassRequested,
    GuestPassRevoked,
    GuestPassExpired,
    GuestPassErased,
    GuestPassForgiven,
    VisitLogged,
)
async def show_guests(ctx: Context, facts: Sequence[GuestPassRequested | VisitLogged]) -> Shown:
    """Today's guests who were asked for, refused, forgotten, came, left or were said to have."""
    ids = {fact.guest_pass_id for fact in facts}
    shown: dict[str, list[Item]] = {}
    for site_id in sorted({fact.site_id for fact in facts}):
        found = await guest_items(ctx, (await expected(ctx, site_id)).where(among(GuestPassRow.id, ids)))
        shown[guests.channel(site_id=site_id)] = found.get(site_id, [])
    return shown
