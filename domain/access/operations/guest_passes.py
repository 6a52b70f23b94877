"""Guest passes: a host expects somebody, and the gates know."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Select, select

from domain.access.events import GuestPassExpired, GuestPassRequested, GuestPassRevoked
from domain.access.operations.grants import TIMES, Terms, make_grant, signed, zone_ids_of, zones_of
from domain.access.operations.lists import list_passes
from domain.access.rules import qr, token
from domain.access.rules.facts import Entries
from domain.access.rules.windows import guest_state, window_problem
from domain.access.tables.place import ZoneRow
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.identity.queries.people import sites_of
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import Forbidden, Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn
from domain.kernel.times import SiteTime, at_site
from domain.sites.operations import time_zone_of

GuestName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Email = Annotated[str, msgspec.Meta(max_length=254)]
Zones = Annotated[list[int], msgspec.Meta(min_length=1, max_length=32)]
Note = Annotated[str, msgspec.Meta(max_length=500)]
Both = Select[GuestPassRow, GrantRow]


class GuestPassView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A guest pass. ``qrToken`` opens gates: it is shown to the host and the desk only."""

    guest_pass_id: int
    pass_id: int
    site_id: int
    host_user_id: int
    guest_name: str
    guest_email: str | None
    start: datetime
    end: datetime
    zone_ids: Sequence[int]
    entries: str
    needs_escort: bool
    live_code: bool
    state: str
    arrived_at: datetime | None
    revoked_at: datetime | None
    qr_token: str | None = None


async def _with_token(ctx: Context, answer: GuestPassView) -> GuestPassView:
    if not _may_carry(ctx, answer.host_user_id, answer.site_id):
        return answer
    _, grant = await _pass(ctx, answer.guest_pass_id)
    return msgspec.structs.replace(answer, qr_token=token.as_base64url(await signed(ctx, grant)))


@operation("access.create_guest_pass", allow={"member", "admin"}, aliases=TIMES, reveal=_with_token)
async def create_guest_pass(
    ctx: Context,
    *,
    guest_name: GuestName,
    start: SiteTime,
    end: SiteTime,
    host_user_id: int | None = None,
    site_id: int | None = None,
    guest_email: Email | None = None,
    zone_ids: Zones | None = None,
    entries: Entries = "many",
    needs_escort: bool = False,
    live_code: bool = False,
) -> GuestPassView:
    """Expect a guest: the pass opens the site's guest zones between ``start`` and ``end``.

    With ``needsEscort`` it opens beside its host only, with ``liveCode`` it is shown by a code that changes.

    Without ``hostUserId`` the caller is the host; without ``siteId`` it is the host's site.
    """
    host = ctx.user_id if host_user_id is None else host_user_id
    site = await _site_of_host(ctx, host, site_id)
    zone = await time_zone_of(ctx, site)
    valid_from, valid_until = at_site(start, zone), at_site(end, zone)
    if problem := window_problem(valid_from, valid_until, ctx.now):
        raise Invalid.field(*problem)
    window = valid_from, valid_until
    terms = Terms(entries=entries, needs_escort=needs_escort, live_code=live_code)
    grant = await make_grant(ctx, site, window, zone_ids=zone_ids, terms=terms)
    row = GuestPassRow(
        grant_id=grant.id,
        site_id=site,
        host_user_id=host,
        guest_name=guest_name.strip(),
        guest_email=_checked(guest_email),
        requested_by=ctx.caller.user_id,
        created_at=ctx.now,
    )
    ctx.db.add(row)
    await ctx.db.flush()
    await list_passes(ctx, [grant])
    ctx.emit(GuestPassRequested(guest_pass_id=row.id, site_id=site, host_user_id=host), of=row)
    return await _view(ctx, row, grant)


@operation("access.list_guest_passes", allow={"member", "guard", "desk", "manager", "admin"}, reads=True)
async def list_guest_passes(
    ctx: Context,
    *,
    site_id: int | None = None,
    user_id: int | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[GuestPassView]:
    """List guest passes, newest first: the caller's own, and to staff those of their sites."""
    chosen = _visible(ctx, _joined())
    if site_id is not None:
        chosen = chosen.where(GuestPassRow.site_id == site_id)
    if user_id is not None:
        chosen = chosen.where(GuestPassRow.host_user_id == user_id)
    chosen = turn(chosen, GuestPassRow.id, limit=limit, cursor=cursor, newest_first=True)
    rows = (await ctx.db.execute(chosen)).all()
    zones = await zones_of(ctx, *{row.site_id for row, _ in rows})
    views = [_shown(ctx, row, grant, zones) for row, grant in rows]
    return page(views, limit, lambda one: one.guest_pass_id)


@operation(
    "access.get_guest_pass",
    allow={"member", "guard", "desk", "manager", "admin"},
    reads=True,
    reveal=_with_token,
)
async def get_guest_pass(ctx: Context, *, guest_pass_id: int) -> GuestPassView:
    """Return one guest pass to its host or to staff of its site."""
    row, grant = await visible_guest_pass(ctx, guest_pass_id)
    return await _view(ctx, row, grant)


@operation("access.guest_pass_qr_svg", allow={"member", "desk", "manager", "admin"}, reads=True)
async def guest_pass_qr_svg(ctx: Context, *, guest_pass_id: int) -> bytes:
    """Return the pass as a scalable QR code."""
    return qr.svg(await _qr_text(ctx, guest_pass_id))


@operation("access.guest_pass_qr_png", allow={"member", "desk", "manager", "admin"}, reads=True)
async def guest_pass_qr_png(ctx: Context, *, guest_pass_id: int) -> bytes:
    """Return the pass as a QR code in pixels."""
    return qr.png(await _qr_text(ctx, guest_pass_id))


@operation("access.revoke_guest_pass", allow={"member", "guard", "desk", "manager", "admin"})
async def revoke_guest_pass(ctx: Context, *, guest_pass_id: int, reason: Note = "") -> GuestPassView:
    """Make a pass open nothing from this moment; a guest who is inside can still walk out. Again changes nothing."""
    await visible_guest_pass(ctx, guest_pass_id)
    row, grant = await _pass(ctx, guest_pass_id, lock=True)
    if grant.revoked_at is None:
        grant.revoked_at = ctx.now
        grant.taken += 1
        row.revoked_reason = reason
        await ctx.db.flush()
        await list_passes(ctx, [grant])
        fact = GuestPassRevoked(guest_pass_id=row.id, site_id=row.site_id, host_user_id=row.host_user_id)
        ctx.emit(fact, of=row)
    return await _view(ctx, row, grant)


@operation("access.expire_guest_passes", allow={"service"}, replays=False)
async def expire_guest_passes(ctx: Context) -> int:
    """Note which passes have ended, some hundred at a time; return how many. Gates refuse them all the same."""
    ended = _joined().where(GuestPassRow.expired_at.is_(None), GrantRow.valid_until <= ctx.now)
    locked = (
        ended.order_by(GuestPassRow.id)
        .limit(500)
        .with_for_update(key_share=True, skip_locked=True, of=GuestPassRow)
    )
    rows = (await ctx.db.execute(locked)).all()
    for row, grant in rows:
        row.expired_at = grant.valid_until
        fact = GuestPassExpired(guest_pass_id=row.id, site_id=row.site_id, host_user_id=row.host_user_id)
        ctx.emit(fact, of=row)
    return len(rows)


def _joined() -> Both:
    return select(GuestPassRow, GrantRow).join(GrantRow, GrantRow.id == GuestPassRow.grant_id)


def _visible(ctx: Context, chosen: Both) -> Both:
    if ctx.caller.everywhere:
        return chosen
    staffed = GuestPassRow.site_id.in_(ctx.caller.sites(*STAFF))
    return chosen.where(staffed | (GuestPassRow.host_user_id == ctx.caller.user_id))


async def visible_guest_pass(ctx: Context, guest_pass_id: int) -> tuple[GuestPassRow, GrantRow]:
    """Return a guest pass that the caller may see, with its grant.

    Raises:
        NotFound: There is none.
    """
    chosen = _visible(ctx, _joined().where(GuestPassRow.id == guest_pass_id))
    if found := (await ctx.db.execute(chosen)).one_or_none():
        return found[0], found[1]
    raise NotFound(f"There is no guest pass {guest_pass_id}")


async def _pass(ctx: Context, guest_pass_id: int, *, lock: bool = False) -> tuple[GuestPassRow, GrantRow]:
    chosen = _joined().where(GuestPassRow.id == guest_pass_id).execution_options(populate_existing=True)
    if lock:
        # the guest pass before its grant, as everywhere
        held = select(GuestPassRow.id).where(GuestPassRow.id == guest_pass_id).with_for_update(key_share=True)
        await ctx.db.execute(held)
        chosen = chosen.with_for_update(key_share=True)
    row, grant = (await ctx.db.execute(chosen)).one()
    return row, grant


async def _site_of_host(ctx: Context, host: int, site_id: int | None) -> int:
    theirs = await sites_of(ctx, host)
    if not theirs and host != ctx.caller.user_id:
        raise Invalid.field("hostUserId", f"user {host} belongs to no site")
    if site_id is None:
        if len(theirs) != 1:
            raise Invalid.field(
                "siteId", "is required: the host belongs to " + ("several sites" if theirs else "none")
            )
        site_id = theirs[0]
    if host != ctx.caller.user_id:
        ctx.require(*STAFF, site_id=site_id)
    if site_id not in theirs and not ctx.caller.everywhere:
        if host == ctx.caller.user_id:
            raise Forbidden(f"You do not belong to site {site_id}")
        raise Invalid.field("hostUserId", f"user {host} does not belong to site {site_id}")
    return site_id


def _checked(email: str | None) -> str | None:
    if email is None:
        return None
    try:
        return validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise Invalid.field("guestEmail", str(error)) from error


def _may_carry(ctx: Context, host_user_id: int, site_id: int) -> bool:
    return host_user_id == ctx.caller.user_id or ctx.caller.holds("desk", "manager", site_id=site_id)


async def carried_pass(ctx: Context, guest_pass_id: int) -> tuple[GuestPassRow, GrantRow]:
    """Return a pass with what opens gates for it, to those who may have that: its host and the desk."""
    row, grant = await visible_guest_pass(ctx, guest_pass_id)
    if not _may_carry(ctx, row.host_user_id, row.site_id):
        raise Forbidden("The code of a pass is for its host and the desk")
    return row, grant


async def _qr_text(ctx: Context, guest_pass_id: int) -> str:
    _, grant = await carried_pass(ctx, guest_pass_id)
    return token.as_qr_text(await signed(ctx, grant))


async def _view(ctx: Context, row: GuestPassRow, grant: GrantRow) -> GuestPassView:
    return _shown(ctx, row, grant, await zones_of(ctx, row.site_id))


def _shown(ctx: Context, row: GuestPassRow, grant: GrantRow, zones: Sequence[ZoneRow]) -> GuestPassView:
    return GuestPassView(
        guest_pass_id=row.id,
        pass_id=grant.id,
        site_id=row.site_id,
        host_user_id=row.host_user_id,
        guest_name=row.guest_name,
        guest_email=row.guest_email,
        start=grant.valid_from,
        end=grant.valid_until,
        zone_ids=zone_ids_of(grant, zones),
        entries=grant.entries,
        needs_escort=grant.needs_escort,
        live_code=grant.live_code,
        state=guest_state(
            revoked=grant.revoked_at is not None,
            inside=grant.inside_zone_id is not None,
            arrived=row.arrived_at is not None,
            until=grant.valid_until,
            now=ctx.now,
        ),
        arrived_at=row.arrived_at,
        revoked_at=grant.revoked_at,
    )
