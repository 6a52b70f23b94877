"""The access log and the visit log, to read; and a visit written down by hand."""

import hashlib
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import func, select

from domain.access.events import GateChanged
from domain.access.operations.recording import GateEvent, record
from domain.access.queries.log_entries import LogEntry, entries, read_entries
from domain.access.tables.place import GateRow
from domain.access.tables.record import AccessKeyRow, AccessLogRow, VisitRow
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.kernel.caller import SiteRole
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

SINCE = {"from": "since", "to": "until"}
STAFF: tuple[SiteRole, ...] = ("guard", "desk", "manager")
DESK_EPOCH = b"desk\0\0\0\1"
GENESIS = bytes(32)


class PassNotValid(DomainError):
    """A guest pass that cannot be entered with now."""

    code, title = "pass_not_valid", "This pass does not open anything now"


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


@operation("access.log_visit", allow={"guard", "desk", "manager", "admin"})
async def log_visit(
    ctx: Context, *, guest_pass_id: int, action: Literal["enter", "exit"], gate_id: int | None = None
) -> VisitView:
    """Write down by hand that a guest came in or went out, at a gate or (without one) at the desk."""
    guest = await ctx.db.get(GuestPassRow, guest_pass_id, with_for_update={"key_share": True})
    if guest is None or not ctx.caller.holds(*STAFF, site_id=guest.site_id):
        raise NotFound(f"There is no guest pass {guest_pass_id}")
    grant = await ctx.db.get_one(GrantRow, guest.grant_id)
    if action == "enter":
        _refuse_invalid(grant, ctx.now)
    where = await _passed_gate(ctx, guest.site_id, gate_id)
    desk = await _desk(ctx, guest.site_id)
    await record(ctx, events=[await _desk_event(ctx, desk, where, grant, action)], poison=[])
    newest = select(VisitRow).where(VisitRow.guest_pass_id == guest_pass_id).order_by(VisitRow.id.desc())
    return view((await ctx.db.scalars(newest.limit(1))).one())


def _refuse_invalid(grant: GrantRow, now: datetime) -> None:
    if grant.revoked_at is not None:
        raise PassNotValid("The pass was revoked")
    if not grant.valid_from <= now < grant.valid_until:
        raise PassNotValid("The pass is not valid yet" if now < grant.valid_from else "The pass has ended")
    if grant.entries == "single" and grant.entered:
        raise PassNotValid("The pass was for one entry, and it has been used")


async def _passed_gate(ctx: Context, site_id: int, gate_id: int | None) -> GateRow:
    if gate_id is not None:
        gate = await ctx.db.get(GateRow, gate_id)
        if gate is None or gate.site_id != site_id:
            raise Invalid.field("gateId", f"site {site_id} has no gate {gate_id}")
        return gate
    from_street = select(GateRow).where(
        GateRow.site_id == site_id, GateRow.from_zone_id.is_(None), GateRow.to_zone_id.is_not(None)
    )
    gate = await ctx.db.scalar(from_street.order_by(GateRow.id).limit(1))
    if gate is None:
        raise Invalid.field("gateId", f"is required: site {site_id} has no entrance")
    return gate


async def _desk(ctx: Context, site_id: int) -> GateRow:
    """Return the site's virtual gate for what people write down by hand, made when first needed."""
    await ctx.db.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"desk:{site_id}"))))
    found = await ctx.db.scalar(select(GateRow).where(GateRow.site_id == site_id, GateRow.desk))
    if found is not None:
        return found
    row = GateRow(site_id=site_id, name="Desk", desk=True)
    ctx.db.add(row)
    await ctx.db.flush()
    ctx.emit(GateChanged(gate_id=row.id, site_id=site_id), of=row)
    return row


async def _desk_event(ctx: Context, desk: GateRow, where: GateRow, grant: GrantRow, action: str) -> GateEvent:
    mine = (AccessKeyRow.gate_id == desk.id) & (AccessKeyRow.epoch == DESK_EPOCH)
    last = await ctx.db.scalar(select(AccessKeyRow).where(mine).order_by(AccessKeyRow.seq.desc()).limit(1))
    seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
    salt = ctx.tools.random_bytes(16)
    told = {
        "action": action,
        "at": ctx.now.isoformat(),
        "by": ctx.caller.actor,
        "gate": where.id,
        "pd": hashlib.sha256(salt + str(grant.id).encode()).hexdigest(),
        "s": seq,
    }
    canonical = msgspec.json.encode(told, order="sorted")
    return GateEvent(
        gate_id=desk.id,
        epoch=DESK_EPOCH,
        seq=seq,
        at=ctx.now,
        clock="ok",
        kind="passage",
        source="online",
        historical=False,
        canonical=canonical,
        previous_hash=previous,
        hash=hashlib.sha256(previous + canonical).digest(),
        direction="in" if action == "enter" else "out",
        admit=True,
        reason="ok",
        grant_id=grant.id,
        salt=salt,
        at_gate_id=where.id,
    )


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
