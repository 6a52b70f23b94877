"""Modes: how gates shall be. What is ordered is state with a revision; each gate confirms that it has it.

1. What holds for the site goes before what holds for one gate (`rules.orders.effective`).
2. The server obeys at once: decisions read the gate's mode. The gate gets it signed and retained, and says so.
3. Rows are locked in the order site, gates by id, orders.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from sqlalchemy import select

from domain.access.events import GateOrdered, SiteOrdered
from domain.access.operations.keys import signing_key
from domain.access.rules.orders import NORMAL, Wish, effective
from domain.access.tables.orders import GateOrderRow, SiteModeRow
from domain.access.tables.place import GateRow
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.times import SiteTime, at_site
from domain.sites.operations import lock_site, time_zone_of

GateMode = Literal["normal", "free", "locked"]
SiteMode = Literal["normal", "lockdown", "evacuate"]
Why = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class OrderView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a gate shall be and what it says of it; ``confirmed_at`` is null until it has obeyed."""

    gate_id: int
    name: str
    link: str
    mode: str
    until: datetime | None
    reason: str
    revision: int
    ordered_at: datetime | None
    reported_mode: str | None
    reported_revision: int
    confirmed_at: datetime | None


@operation("access.order_gate", allow={"guard", "manager", "admin"})
async def order_gate(
    ctx: Context, *, gate_id: int, mode: GateMode, reason: Why, until: SiteTime | None = None
) -> OrderView:
    """Free a gate, lock it, or let it work as usual; with ``until``, for a time. A mode of the site goes before it."""
    gate = await _gate(ctx, gate_id)
    ctx.require("guard", "manager", site_id=gate.site_id)
    ends = await _end(ctx, gate.site_id, until)
    site = await _site_wish(ctx, gate.site_id)
    locked = await ctx.db.get_one(GateRow, gate_id, with_for_update={"key_share": True})
    order = await _order(ctx, gate_id)
    order.own_mode, order.own_until = mode, ends if mode != "normal" else None
    _apply(ctx, locked, order, site, reason)
    return _view(locked, order)


@operation("access.order_site", allow={"guard", "manager", "admin"})
async def order_site(
    ctx: Context, *, site_id: int, mode: SiteMode, reason: Why, until: SiteTime | None = None
) -> list[OrderView]:
    """Lock a whole site down, evacuate it, or let it work as usual; with ``until``, for a time."""
    ctx.require("guard", "manager", site_id=site_id)
    await lock_site(ctx, site_id)
    ends = await _end(ctx, site_id, until)
    row = await ctx.db.get(SiteModeRow, site_id) or SiteModeRow(site_id=site_id)
    row.mode, row.until, row.reason = mode, ends if mode != "normal" else None, reason
    ctx.db.add(row)
    ctx.emit(SiteOrdered(site_id=site_id, mode=mode, reason=reason, until=row.until), of=row)
    return await _apply_to_site(ctx, site_id, reason)


@operation("access.list_orders", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def list_orders(ctx: Context, *, site_id: int) -> list[OrderView]:
    """List for each gate of a site how it shall be, and whether it has said that it is."""
    ctx.require(*STAFF, site_id=site_id)
    chosen = select(GateRow, GateOrderRow).outerjoin(GateOrderRow, GateOrderRow.gate_id == GateRow.id)
    rows = await ctx.db.execute(chosen.where(GateRow.site_id == site_id, ~GateRow.desk).order_by(GateRow.id))
    return [_view(gate, order) for gate, order in rows]


@operation("access.end_modes", allow={"service"}, replays=False)
async def end_modes(ctx: Context) -> int:
    """Let gates and sites whose time has come work as usual again; return how many orders ended."""
    ended = 0
    past_sites = select(SiteModeRow).where(SiteModeRow.until <= ctx.now).order_by(SiteModeRow.site_id)
    for site in (await ctx.db.scalars(past_sites)).all():
        await lock_site(ctx, site.site_id)
        await ctx.db.refresh(site)
        if site.until is None or site.until > ctx.now:
            continue
        site.mode, site.until = "normal", None
        ctx.emit(
            SiteOrdered(site_id=site.site_id, mode="normal", reason="its time has come", until=None), of=site
        )
        await _apply_to_site(ctx, site.site_id, "its time has come")
        ended += 1
    past_gates = select(GateOrderRow.gate_id).where(GateOrderRow.own_until <= ctx.now)
    for gate_id in (await ctx.db.scalars(past_gates.order_by(GateOrderRow.gate_id))).all():
        gate = await _gate(ctx, gate_id)
        site_wish = await _site_wish(ctx, gate.site_id)
        locked = await ctx.db.get_one(GateRow, gate_id, with_for_update={"key_share": True})
        order = await _order(ctx, gate_id)
        if order.own_until is None or order.own_until > ctx.now:
            continue
        order.own_mode, order.own_until = "normal", None
        _apply(ctx, locked, order, site_wish, "its time has come")
        ended += 1
    return ended


async def obey_site(ctx: Context, gate: GateRow) -> None:
    """Bring a new gate to what holds for its site."""
    site = await _site_wish(ctx, gate.site_id)
    if site.mode != "normal":
        _apply(ctx, gate, await _order(ctx, gate.id), site, "the gate is new")


async def _apply_to_site(ctx: Context, site_id: int, reason: str) -> list[OrderView]:
    site = await _site_wish(ctx, site_id)
    chosen = select(GateRow).where(GateRow.site_id == site_id, ~GateRow.desk).order_by(GateRow.id)
    gates = (await ctx.db.scalars(chosen.with_for_update(key_share=True))).all()
    orders = await _orders(ctx, [gate.id for gate in gates])
    for gate, order in zip(gates, orders, strict=True):
        _apply(ctx, gate, order, site, reason)
    return [_view(gate, order) for gate, order in zip(gates, orders, strict=True)]


def _apply(ctx: Context, gate: GateRow, order: GateOrderRow, site: Wish, reason: str) -> None:
    own = Wish(order.own_mode, order.own_until).at(ctx.now)
    wish = effective(site, own)
    if order.revision and (order.mode, order.until) == (wish.mode, wish.until):
        return  # nothing new to say: the gate would only have to confirm the same again
    order.mode, order.until, order.reason = wish.mode, wish.until, reason
    order.revision = max(order.revision + 1, int(ctx.now.timestamp() * 1000))
    order.ordered_at, order.confirmed_at = ctx.now, None
    gate.mode = wish.mode
    ordered = GateOrdered(
        gate_id=gate.id,
        site_id=gate.site_id,
        mode=wish.mode,
        revision=order.revision,
        reason=reason,
        until=wish.until,
    )
    ctx.emit(ordered, of=gate)


async def _site_wish(ctx: Context, site_id: int) -> Wish:
    await lock_site(ctx, site_id)
    row = await ctx.db.get(SiteModeRow, site_id, populate_existing=True)
    return NORMAL if row is None else Wish(row.mode, row.until).at(ctx.now)


async def _gate(ctx: Context, gate_id: int) -> GateRow:
    row = await ctx.db.get(GateRow, gate_id)
    if row is None or row.desk:
        raise NotFound(f"There is no gate {gate_id}")
    return row


async def _order(ctx: Context, gate_id: int) -> GateOrderRow:
    return (await _orders(ctx, [gate_id]))[0]


async def _orders(ctx: Context, gate_ids: Sequence[int]) -> list[GateOrderRow]:
    """Return the orders of gates whose rows the caller has locked, new ones where there are none."""
    await signing_key(ctx)  # made here where there is none yet: those who publish only read
    rows = await ctx.db.scalars(select(GateOrderRow).where(GateOrderRow.gate_id.in_(gate_ids)))
    known = {row.gate_id: row for row in rows}
    for gate_id in gate_ids:
        if gate_id not in known:
            known[gate_id] = GateOrderRow(
                gate_id=gate_id, own_mode="normal", mode="normal", reason="", revision=0, ordered_at=ctx.now
            )
            ctx.db.add(known[gate_id])
    return [known[gate_id] for gate_id in gate_ids]


async def _end(ctx: Context, site_id: int, until: datetime | None) -> datetime | None:
    if until is None:
        return None
    moment = at_site(until, await time_zone_of(ctx, site_id))
    if moment <= ctx.now:
        raise Invalid.field("until", "is in the past")
    return moment


def _view(gate: GateRow, order: GateOrderRow | None) -> OrderView:
    return OrderView(
        gate_id=gate.id,
        name=gate.name,
        link=gate.link,
        mode=order.mode if order else gate.mode,
        until=order.until if order else None,
        reason=order.reason if order else "",
        revision=order.revision if order else 0,
        ordered_at=order.ordered_at if order else None,
        reported_mode=order.reported_mode if order else None,
        reported_revision=(order.reported_revision or 0) if order else 0,
        confirmed_at=order.confirmed_at if order else None,
    )
