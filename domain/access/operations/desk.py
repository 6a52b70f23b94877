"""The desk: what guards and receptionists do by hand. All of it that moves somebody is an event in the access log."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from sqlalchemy import select

from domain.access.events import GuestPassForgiven
from domain.access.operations.access_log import VisitView
from domain.access.operations.access_log import view as visit_view
from domain.access.operations.commands import CommandView, open_for_walk
from domain.access.operations.desk_journal import Entry, open_desk, to_the_millisecond, write_down
from domain.access.operations.modes import Why
from domain.access.operations.passages import correct, put_pass
from domain.access.operations.zones import ZoneView
from domain.access.operations.zones import view as zone_view
from domain.access.queries.guests import GuestItem, guest_items, guests, todays_guests
from domain.access.rules.facts import Direction
from domain.access.rules.names import fold, likeness
from domain.access.tables.place import GateRow, ZoneRow
from domain.access.tables.record import VisitRow
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.identity.queries.people import names_of
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, Invalid, NotFound
from domain.kernel.operations import operation

AT_ONCE = 50
LOOKED_THROUGH = 20_000
"""Guests of one day whose names are compared; nobody finds a name among more."""
Part = Annotated[str, msgspec.Meta(max_length=100)]
Counted = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class PassNotValid(DomainError):
    """A guest pass that cannot be entered with now."""

    code, title = "pass_not_valid", "This pass does not open anything now"


class Override(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody was let through on a guard's word; ``command`` is how the gate was told to open."""

    access_id: int
    gate_id: int
    direction: str
    pass_id: int | None
    command: CommandView


class PassPlace(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a pass is now; a null zone is outside."""

    access_id: int
    pass_id: int
    guest_pass_id: int | None
    zone_id: int | None
    moved_at: datetime


@operation("access.find_guests", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def find_guests(ctx: Context, *, site_id: int, name: Part = "", host: Part = "") -> list[GuestItem]:
    """Find today's guests by a part of their name, or of their host's: without case or accents, one slip forgiven."""
    ctx.require(*STAFF, site_id=site_id)
    asked, whose = fold(name), fold(host)
    if not asked and not whose:
        raise Invalid.field("name", "or host must hold a letter to look for")
    expected = (await ctx.db.execute((await todays_guests(ctx, site_id)).limit(LOOKED_THROUGH))).all()
    hosts = await names_of(ctx, {guest.host_user_id for guest in expected}) if whose else {}
    found = []
    for guest in expected:
        near = likeness(asked, fold(guest.guest_name))
        theirs = likeness(whose, fold(hosts.get(guest.host_user_id, "")))
        if near is not None and theirs is not None:
            found.append((near + theirs, guest.valid_from, guest.id))
    order = {guest_pass_id: place for place, (*_, guest_pass_id) in enumerate(sorted(found)[:AT_ONCE])}
    items = await guest_items(ctx, guests().where(GuestPassRow.id.in_(order)))
    shown: list[GuestItem] = [item.data for item in items.get(site_id, [])]
    return sorted(shown, key=lambda one: order[one.guest_pass_id])


@operation("access.log_visit", allow={"guard", "desk", "manager", "admin"})
async def log_visit(
    ctx: Context,
    *,
    guest_pass_id: int,
    action: Literal["enter", "exit"],
    gate_id: int | None = None,
    open: bool = False,
) -> VisitView:
    """Write down by hand that a guest came in or went out, at a gate or (without one) at the desk.

    With ``open`` that gate is told to open for them; the walk stands in the log by this and is counted once.
    """
    guest = await ctx.db.get(GuestPassRow, guest_pass_id)
    if guest is None or not ctx.caller.holds(*STAFF, site_id=guest.site_id):
        raise NotFound(f"There is no guest pass {guest_pass_id}")
    if open and gate_id is None:
        raise Invalid.field("gateId", "is required to have a gate open")
    where = await _passed_gate(ctx, guest.site_id, gate_id)
    direction = _through(where, action)
    if open:
        await open_for_walk(
            ctx, where.id, direction, "let in at the desk" if action == "enter" else "let out"
        )
    desk = await open_desk(ctx, guest.site_id)
    await _locked_guest(ctx, guest.grant_id)
    grant = await _locked(ctx, guest.grant_id)
    if action == "enter":
        _refuse_invalid(grant, ctx.now)
    entry = Entry(
        kind="passage",
        at=to_the_millisecond(ctx.now),
        direction=direction,
        reason="ok",
        grant_id=grant.id,
        gate_id=where.id,
    )
    access_id = await write_down(ctx, desk, entry)
    return visit_view((await ctx.db.scalars(select(VisitRow).where(VisitRow.access_id == access_id))).one())


@operation("access.override", allow={"guard", "manager", "admin"})
async def override(
    ctx: Context,
    *,
    gate_id: int,
    direction: Direction,
    reason: Why,
    guest_pass_id: int | None = None,
    pass_id: int | None = None,
) -> Override:
    """Let somebody through a gate whatever the rules say, with a pass or without: the log says who did it and why."""
    gate = await ctx.db.get(GateRow, gate_id)
    if gate is None or gate.desk or not ctx.caller.holds("guard", "manager", site_id=gate.site_id):
        raise NotFound(f"There is no gate {gate_id}")
    held = await _holder(ctx, gate.site_id, guest_pass_id, pass_id)
    command = await open_for_walk(ctx, gate_id, direction, reason)
    desk = await open_desk(ctx, gate.site_id)
    entry = Entry(
        kind="passage",
        at=to_the_millisecond(ctx.now),
        direction=direction,
        reason="override",
        grant_id=held,
        gate_id=gate_id,
        detail={"why": reason},
    )
    access_id = await write_down(ctx, desk, entry)
    return Override(access_id=access_id, gate_id=gate_id, direction=direction, pass_id=held, command=command)


@operation("access.forgive_pass", allow={"guard", "desk", "manager", "admin"})
async def forgive_pass(
    ctx: Context,
    *,
    site_id: int,
    reason: Why,
    guest_pass_id: int | None = None,
    pass_id: int | None = None,
    zone_id: int | None = None,
) -> PassPlace:
    """Say where a pass is after all, outside or in a zone; counts move with it, and its next scan is judged on that."""
    ctx.require(*STAFF, site_id=site_id)
    held = await _holder(ctx, site_id, guest_pass_id, pass_id)
    if held is None:
        raise Invalid.field("guestPassId", "or passId is required")
    zone = None if zone_id is None else await ctx.db.get(ZoneRow, zone_id)
    if zone_id is not None and (zone is None or zone.site_id != site_id):
        raise Invalid.field("zoneId", f"site {site_id} has no zone {zone_id}")
    desk = await open_desk(ctx, site_id)
    guest = await _locked_guest(ctx, held)
    grant = await _locked(ctx, held)
    at = to_the_millisecond(ctx.now)
    if grant.moved_at is not None:
        at = max(at, grant.moved_at)  # a gate whose clock is ahead must not know better than who stands there
    told = {"from": grant.inside_zone_id, "why": reason}
    entry = Entry(kind="forgive", at=at, reason="forgive", grant_id=held, zone_id=zone_id, detail=told)
    access_id = await write_down(ctx, desk, entry)
    await put_pass(ctx, held, zone_id, at, access_id)
    if guest is not None:
        ids = {"guest_pass_id": guest.id, "site_id": site_id, "host_user_id": guest.host_user_id}
        ctx.emit(GuestPassForgiven(**ids), of=guest)
    return PassPlace(
        access_id=access_id,
        pass_id=held,
        guest_pass_id=guest.id if guest else None,
        zone_id=zone_id,
        moved_at=at,
    )


@operation("access.correct_count", allow={"guard", "desk", "manager", "admin"})
async def correct_count(ctx: Context, *, zone_id: int, counted: Counted, reason: Why) -> ZoneView:
    """Set how many are in a zone to what was counted by hand; the difference stands in the log."""
    zone = await ctx.db.get(ZoneRow, zone_id)
    if zone is None or not ctx.caller.holds(*STAFF, site_id=zone.site_id):
        raise NotFound(f"There is no zone {zone_id}")
    desk = await open_desk(ctx, zone.site_id)
    await ctx.db.refresh(zone, with_for_update={"key_share": True})
    delta = counted - zone.inside
    if delta:
        told = {"delta": delta, "counted": counted, "why": reason}
        at = to_the_millisecond(ctx.now)
        entry = Entry(kind="correction", at=at, reason="correction", zone_id=zone_id, detail=told)
        await write_down(ctx, desk, entry)
        await correct(ctx, zone_id, delta)
        await ctx.db.refresh(zone)
    return zone_view(zone)


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
        if gate is None or gate.desk or gate.site_id != site_id:
            raise Invalid.field("gateId", f"site {site_id} has no gate {gate_id}")
        return gate
    from_street = select(GateRow).where(
        GateRow.site_id == site_id, GateRow.from_zone_id.is_(None), GateRow.to_zone_id.is_not(None)
    )
    gate = await ctx.db.scalar(from_street.order_by(GateRow.id).limit(1))
    if gate is None:
        raise Invalid.field("gateId", f"is required: site {site_id} has no entrance")
    return gate


def _through(gate: GateRow, action: Literal["enter", "exit"]) -> Direction:
    """Return which way somebody goes through a gate who comes in from the street, or goes out to it."""
    if (gate.from_zone_id is None) == (gate.to_zone_id is None):
        raise Invalid.field("gateId", f"gate {gate.id} does not lead in from outside, nor out")
    return "in" if (gate.from_zone_id is None) == (action == "enter") else "out"


async def _holder(ctx: Context, site_id: int, guest_pass_id: int | None, pass_id: int | None) -> int | None:
    """Return the grant that is meant, if any: of a guest pass, or by the id that gates read."""
    if guest_pass_id is not None:
        guest = await ctx.db.get(GuestPassRow, guest_pass_id)
        if guest is None or guest.site_id != site_id or pass_id not in (None, guest.grant_id):
            raise Invalid.field("guestPassId", f"site {site_id} has no such guest pass")
        return guest.grant_id
    if pass_id is not None:
        grant = await ctx.db.get(GrantRow, pass_id)
        if grant is None or grant.site_id != site_id:
            raise Invalid.field("passId", f"site {site_id} has no such pass")
    return pass_id


async def _locked_guest(ctx: Context, grant_id: int) -> GuestPassRow | None:
    """Lock the guest pass of a grant, if it has one: always before the grant."""
    chosen = select(GuestPassRow).where(GuestPassRow.grant_id == grant_id).with_for_update(key_share=True)
    return await ctx.db.scalar(chosen)


async def _locked(ctx: Context, grant_id: int) -> GrantRow:
    chosen = select(GrantRow).where(GrantRow.id == grant_id).with_for_update(key_share=True)
    return (await ctx.db.scalars(chosen.execution_options(populate_existing=True))).one()
