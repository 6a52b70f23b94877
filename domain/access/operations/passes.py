"""Passes that are nobody's visit: badges of members and staff, tickets, vehicles."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from sqlalchemy import select

from domain.access.events import PassChanged, PassIssued, PassRevoked
from domain.access.operations.grants import (
    TIMES,
    Terms,
    is_printable,
    make_grant,
    signed,
    zone_bits,
    zone_ids_of,
    zones_of,
)
from domain.access.operations.lists import list_passes as tell_gates
from domain.access.rules import qr, token
from domain.access.rules.facts import OwnPassback
from domain.access.tables.place import ZoneRow
from domain.access.tables.rights import GrantRow
from domain.identity.queries.people import sites_of
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, Forbidden, Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn
from domain.kernel.times import SiteTime, at_site
from domain.sites.operations import time_zone_of

Zones = Annotated[list[int], msgspec.Meta(min_length=1, max_length=32)]
Name = Annotated[str, msgspec.Meta(max_length=200)]
OwnKind = Literal["badge", "ticket", "vehicle", "staff"]


class NotPrintable(DomainError):
    """The pass lasts too long for a code that opens gates without a link until it ends."""

    code, title = "not_printable", "A pass of more than a month has no QR code"


class PassView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A pass. ``qrToken`` is there for passes of at most a month, and shown to the holder and the desk only."""

    pass_id: int
    site_id: int
    kind: str
    holder_user_id: int | None
    holder_name: str
    start: datetime
    end: datetime
    zone_ids: Sequence[int]
    entries: str
    schedule_id: int | None
    passback: str | None
    unpaid: bool
    needs_escort: bool
    escorts: bool
    opens: bool
    live_code: bool
    revoked_at: datetime | None
    inside_zone_id: int | None
    qr_token: str | None = None


async def _with_token(ctx: Context, answer: PassView) -> PassView:
    grant = await ctx.db.get_one(GrantRow, answer.pass_id)
    if not (may_carry(ctx, grant) and is_printable(grant)):
        return answer
    return msgspec.structs.replace(answer, qr_token=token.as_base64url(await signed(ctx, grant)))


@operation("access.create_pass", allow={"desk", "manager", "admin"}, aliases=TIMES, reveal=_with_token)
async def create_pass(
    ctx: Context,
    *,
    site_id: int,
    kind: OwnKind,
    start: SiteTime,
    end: SiteTime,
    holder_user_id: int | None = None,
    holder_name: Name = "",
    zone_ids: Zones | None = None,
    entries: Literal["single", "many"] = "many",
    schedule_id: int | None = None,
    passback: OwnPassback | None = None,
    unpaid: bool = False,
    needs_escort: bool = False,
    escorts: bool = False,
    opens: bool = False,
    live_code: bool = False,
) -> PassView:
    """Issue a badge, a ticket, or a pass for a vehicle: what opens for it are cards, PINs and plates, or its QR code.

    ``escorts`` lets guests in beside it, ``opens`` opens zones that wait for their first person: a manager's to give.
    """
    terms = Terms(
        kind=kind,
        holder_user_id=holder_user_id,
        holder_name=holder_name.strip(),
        entries=entries,
        schedule_id=schedule_id,
        passback=passback,
        unpaid=unpaid,
        needs_escort=needs_escort,
        escorts=escorts,
        opens=opens,
        live_code=live_code,
    )
    _allow(ctx, site_id, terms)
    await _require_belonging(ctx, site_id, holder_user_id)
    window = await _window(ctx, site_id, start, end)
    grant = await make_grant(ctx, site_id, window, zone_ids=zone_ids, terms=terms)
    await tell_gates(ctx, [grant])
    ctx.emit(PassIssued(pass_id=grant.id, site_id=site_id, kind=kind, holder_user_id=holder_user_id))
    return await _view(ctx, grant)


@operation(
    "access.change_pass", allow={"desk", "manager", "admin"}, aliases={"endTime": "end", "endDate": "end"}
)
async def change_pass(
    ctx: Context,
    *,
    pass_id: int,
    end: SiteTime | None = None,
    zone_ids: Zones | None = None,
    schedule_id: int | msgspec.UnsetType | None = msgspec.UNSET,
    unpaid: bool | None = None,
) -> PassView:
    """Change until when, where and at which hours a pass opens, or whether it is paid; what is not given stays.

    A pass that only a manager may issue, only a manager changes, but for what is paid.
    """
    grant = await _own(ctx, pass_id)
    ctx.require("desk", "manager", site_id=grant.site_id)
    if _is_managers(grant) and (end, zone_ids, schedule_id) != (None, None, msgspec.UNSET):
        ctx.require("manager", site_id=grant.site_id)
    if end is not None:
        grant.valid_until = (await _window(ctx, grant.site_id, grant.valid_from, end))[1].replace(
            microsecond=0
        )
    if zone_ids is not None:
        grant.zones = await zone_bits(ctx, grant.site_id, zone_ids)
    grant.schedule_id = grant.schedule_id if schedule_id is msgspec.UNSET else schedule_id
    grant.unpaid = grant.unpaid if unpaid is None else unpaid
    grant.taken += 1
    await ctx.db.flush()
    await tell_gates(ctx, [grant])
    ctx.emit(PassChanged(pass_id=grant.id, site_id=grant.site_id))
    return await _view(ctx, grant)


@operation("access.revoke_pass", allow={"guard", "desk", "manager", "admin"})
async def revoke_pass(ctx: Context, *, pass_id: int) -> PassView:
    """Make a pass open nothing from this moment; who is inside can still walk out. Again changes nothing."""
    grant = await _own(ctx, pass_id)
    ctx.require(*STAFF, site_id=grant.site_id)
    if grant.revoked_at is None:
        grant.revoked_at = ctx.now
        grant.taken += 1
        await ctx.db.flush()
        await tell_gates(ctx, [grant])
        ctx.emit(PassRevoked(pass_id=grant.id, site_id=grant.site_id))
    return await _view(ctx, grant)


@operation("access.list_passes", allow={"member", "guard", "desk", "manager", "admin"}, reads=True)
async def list_passes(
    ctx: Context,
    *,
    site_id: int | None = None,
    user_id: int | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[PassView]:
    """List badges, tickets and other passes, the newest first: one's own, and to staff those of their sites."""
    chosen = select(GrantRow).where(GrantRow.kind != "guest")
    if not ctx.caller.everywhere:
        mine = GrantRow.holder_user_id == ctx.caller.user_id
        chosen = chosen.where(GrantRow.site_id.in_(ctx.caller.sites(*STAFF)) | mine)
    if site_id is not None:
        chosen = chosen.where(GrantRow.site_id == site_id)
    if user_id is not None:
        chosen = chosen.where(GrantRow.holder_user_id == user_id)
    rows = (
        await ctx.db.scalars(turn(chosen, GrantRow.id, limit=limit, cursor=cursor, newest_first=True))
    ).all()
    zones = await zones_of(ctx, *{row.site_id for row in rows})
    return page([_shown(row, zones) for row in rows], limit, lambda one: one.pass_id)


@operation(
    "access.get_pass", allow={"member", "guard", "desk", "manager", "admin"}, reads=True, reveal=_with_token
)
async def get_pass(ctx: Context, *, pass_id: int) -> PassView:
    """Return one badge, ticket or other pass to its holder or to staff of its site."""
    return await _view(ctx, await visible_pass(ctx, pass_id))


@operation("access.pass_qr_svg", allow={"member", "desk", "manager", "admin"}, reads=True)
async def pass_qr_svg(ctx: Context, *, pass_id: int) -> bytes:
    """Return a badge, ticket or other pass as a scalable QR code."""
    return qr.svg(await _qr_text(ctx, pass_id))


@operation("access.pass_qr_png", allow={"member", "desk", "manager", "admin"}, reads=True)
async def pass_qr_png(ctx: Context, *, pass_id: int) -> bytes:
    """Return a badge, ticket or other pass as a QR code in pixels."""
    return qr.png(await _qr_text(ctx, pass_id))


def may_carry(ctx: Context, grant: GrantRow) -> bool:
    """Tell whether the caller may have what opens gates for a pass: its holder and the desk may."""
    own = grant.holder_user_id is not None and grant.holder_user_id == ctx.caller.user_id
    return own or ctx.caller.holds("desk", "manager", site_id=grant.site_id)


def _allow(ctx: Context, site_id: int, terms: Terms) -> None:
    ctx.require("desk", "manager", site_id=site_id)
    if _is_managers(terms):
        ctx.require("manager", site_id=site_id)
    if terms.holder_user_id is None and not terms.holder_name:
        raise Invalid.field("holderName", "is required where there is no holderUserId")


def _is_managers(pass_: Terms | GrantRow) -> bool:
    """Tell whether a pass can do what is a manager's to give."""
    return pass_.escorts or pass_.opens or pass_.passback == "off"


async def _require_belonging(ctx: Context, site_id: int, holder_user_id: int | None) -> None:
    """Refuse a holder who is a stranger to the site: staff would learn from the pass that there is such an account."""
    if holder_user_id is None or ctx.caller.everywhere:
        return
    if site_id not in await sites_of(ctx, holder_user_id):
        raise Invalid.field("holderUserId", f"user {holder_user_id} does not belong to site {site_id}")


async def visible_pass(ctx: Context, pass_id: int) -> GrantRow:
    """Return a pass that is nobody's visit and that the caller may see.

    Raises:
        NotFound: There is none.
    """
    grant = await ctx.db.get(GrantRow, pass_id)
    seen = grant is not None and (ctx.caller.holds(*STAFF, site_id=grant.site_id) or may_carry(ctx, grant))
    if grant is None or grant.kind == "guest" or not seen:
        raise NotFound(f"There is no pass {pass_id}")
    return grant


async def _qr_text(ctx: Context, pass_id: int) -> str:
    grant = await visible_pass(ctx, pass_id)
    if not may_carry(ctx, grant):
        raise Forbidden("The code of a pass is for its holder and the desk")
    if not is_printable(grant):
        raise NotPrintable("Give it a card, a PIN or a plate, or issue a pass for a shorter time")
    return token.as_qr_text(await signed(ctx, grant))


async def _own(ctx: Context, pass_id: int) -> GrantRow:
    grant = await ctx.db.get(GrantRow, pass_id, with_for_update={"key_share": True}, populate_existing=True)
    if grant is None or grant.kind == "guest" or not ctx.caller.holds(*STAFF, site_id=grant.site_id):
        raise NotFound(f"There is no pass {pass_id}")
    return grant


async def _window(ctx: Context, site_id: int, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    zone = await time_zone_of(ctx, site_id)
    window = at_site(start, zone), at_site(end, zone)
    if window[1] <= window[0]:
        raise Invalid.field("end", "must be after start")
    if window[1] <= ctx.now:
        raise Invalid.field("end", "is in the past")
    return window


async def _view(ctx: Context, grant: GrantRow) -> PassView:
    return _shown(grant, await zones_of(ctx, grant.site_id))


def _shown(grant: GrantRow, zones: Sequence[ZoneRow]) -> PassView:
    return PassView(
        pass_id=grant.id,
        site_id=grant.site_id,
        kind=grant.kind,
        holder_user_id=grant.holder_user_id,
        holder_name=grant.holder_name,
        start=grant.valid_from,
        end=grant.valid_until,
        zone_ids=zone_ids_of(grant, zones),
        entries=grant.entries,
        schedule_id=grant.schedule_id,
        passback=grant.passback,
        unpaid=grant.unpaid,
        needs_escort=grant.needs_escort,
        escorts=grant.escorts,
        opens=grant.opens,
        live_code=grant.live_code,
        revoked_at=grant.revoked_at,
        inside_zone_id=grant.inside_zone_id,
    )
