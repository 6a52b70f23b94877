"""Incident holds: what happened at a site from one moment to another is kept, whatever its age, until it is released.

Placing a hold and taking things out both lock the site, so that nothing a hold covers is gone once the hold stands.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import select

from domain.access.events import IncidentHoldPlaced, IncidentHoldReleased
from domain.access.operations.access_log import SINCE
from domain.access.tables.evidence import IncidentHoldRow
from domain.kernel.context import Context
from domain.kernel.errors import NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn
from domain.kernel.times import SiteTime, at_site
from domain.sites.operations import lock_site, time_zone_of

Why = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class IncidentHoldView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A hold; ``releasedAt`` is null while it holds."""

    incident_hold_id: int
    site_id: int
    since: datetime
    until: datetime
    reason: str
    placed_by: int
    placed_at: datetime
    released_by: int | None
    released_at: datetime | None


@operation("access.place_incident_hold", allow={"guard", "manager", "admin"}, aliases=SINCE)
async def place_incident_hold(
    ctx: Context, *, site_id: int, since: SiteTime, until: SiteTime, reason: Why
) -> IncidentHoldView:
    """Keep what happened at a site from ``from`` to ``to`` for as long as the incident is looked into.

    Nothing of these times is dropped by age, and persons in it cannot be erased. ``reason`` names no persons.
    """
    ctx.require("guard", "manager", site_id=site_id)
    await lock_site(ctx, site_id)
    zone = await time_zone_of(ctx, site_id)
    row = IncidentHoldRow(
        site_id=site_id,
        since=at_site(since, zone),
        until=at_site(until, zone),
        reason=reason,
        placed_by=ctx.user_id,
        placed_at=ctx.now,
    )
    ctx.db.add(row)
    await ctx.db.flush()
    ctx.emit(IncidentHoldPlaced(incident_hold_id=row.id, site_id=site_id), of=row)
    return _view(row)


@operation("access.list_incident_holds", allow={"guard", "manager", "admin"}, reads=True)
async def list_incident_holds(
    ctx: Context, *, site_id: int, limit: Limit = 50, cursor: str | None = None
) -> Page[IncidentHoldView]:
    """List the incident holds of a site, newest first, released ones too."""
    ctx.require("guard", "manager", site_id=site_id)
    chosen = select(IncidentHoldRow).where(IncidentHoldRow.site_id == site_id)
    chosen = turn(chosen, IncidentHoldRow.id, limit=limit, cursor=cursor, newest_first=True)
    rows = await ctx.db.scalars(chosen)
    return page([_view(row) for row in rows], limit, lambda hold: hold.incident_hold_id)


@operation("access.release_incident_hold", allow={"manager", "admin"})
async def release_incident_hold(ctx: Context, *, incident_hold_id: int) -> IncidentHoldView:
    """Let what a hold kept go its way again; it is dropped soon if it is old enough. Again changes nothing."""
    row = await ctx.db.get(IncidentHoldRow, incident_hold_id, with_for_update=True)
    if row is None or not ctx.caller.holds("manager", site_id=row.site_id):
        raise NotFound(f"There is no incident hold {incident_hold_id}")
    if row.released_at is None:
        row.released_by, row.released_at = ctx.user_id, ctx.now
        ctx.emit(IncidentHoldReleased(incident_hold_id=row.id, site_id=row.site_id), of=row)
    return _view(row)


def _view(row: IncidentHoldRow) -> IncidentHoldView:
    return IncidentHoldView(
        incident_hold_id=row.id,
        site_id=row.site_id,
        since=row.since,
        until=row.until,
        reason=row.reason,
        placed_by=row.placed_by,
        placed_at=row.placed_at,
        released_by=row.released_by,
        released_at=row.released_at,
    )
