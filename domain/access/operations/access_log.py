"""The access log and the visit log, to read."""

from datetime import datetime

import msgspec
from sqlalchemy import select

from domain.access.queries.log_entries import LogEntry, entries, read_entries
from domain.access.tables.record import AccessLogRow, VisitRow
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import Invalid
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

SINCE = {"from": "since", "to": "until"}


class VisitView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A guest came in or went out; ``guestPassId`` is null of one who was erased."""

    visit_id: int
    site_id: int
    guest_pass_id: int | None
    host_user_id: int
    gate_id: int
    action: str
    at: datetime


@operation("access.list_access_log", allow={"guard", "desk", "manager", "admin"}, reads=True, aliases=SINCE)
async def list_access_log(
    ctx: Context,
    *,
    site_id: int,
    gate_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[LogEntry]:
    """List what gates reported, newest first, to staff of the site."""
    ctx.require(*STAFF, site_id=site_id)
    chosen = entries().where(AccessLogRow.site_id == site_id)
    if gate_id is not None:
        chosen = chosen.where(AccessLogRow.gate_id == gate_id)
    if since is not None:
        chosen = chosen.where(AccessLogRow.at >= aware("from", since))
    if until is not None:
        chosen = chosen.where(AccessLogRow.at < aware("to", until))
    chosen = turn(chosen, AccessLogRow.id, limit=limit, cursor=cursor, newest_first=True)
    return page(await read_entries(ctx, chosen), limit, lambda entry: entry.access_id)


@operation(
    "access.list_visits", allow={"member", "guard", "desk", "manager", "admin"}, reads=True, aliases=SINCE
)
async def list_visits(
    ctx: Context,
    *,
    guest_pass_id: int | None = None,
    gate_id: int | None = None,
    user_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[VisitView]:
    """List visits, newest first: of the caller's own guests, and to staff of their sites. ``userId`` is the host."""
    chosen = select(VisitRow)
    if not ctx.caller.everywhere:
        mine = VisitRow.host_user_id == ctx.caller.user_id
        chosen = chosen.where(VisitRow.site_id.in_(ctx.caller.sites(*STAFF)) | mine)
    filters = {
        VisitRow.guest_pass_id: guest_pass_id,
        VisitRow.gate_id: gate_id,
        VisitRow.host_user_id: user_id,
    }
    for column, wanted in filters.items():
        chosen = chosen if wanted is None else chosen.where(column == wanted)
    if since is not None:
        chosen = chosen.where(VisitRow.at >= aware("from", since))
    if until is not None:
        chosen = chosen.where(VisitRow.at < aware("to", until))
    rows = await ctx.db.scalars(turn(chosen, VisitRow.id, limit=limit, cursor=cursor, newest_first=True))
    return page([view(row) for row in rows], limit, lambda visit: visit.visit_id)


def aware(field: str, moment: datetime) -> datetime:
    """Return a moment that a list is bounded by.

    Raises:
        Invalid: It has no offset, and there is no site whose zone it could be read in.
    """
    if moment.tzinfo is None:
        raise Invalid.field(field, "needs an offset such as Z or +03:00")
    return moment


def view(row: VisitRow) -> VisitView:
    """Return a visit as people see it."""
    return VisitView(
        visit_id=row.id,
        site_id=row.site_id,
        guest_pass_id=row.guest_pass_id,
        host_user_id=row.host_user_id,
        gate_id=row.gate_id,
        action=row.action,
        at=row.at,
    )
