"""Gates: the ways between zones."""

from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import select

from domain.access.events import GateChanged
from domain.access.operations.modes import obey_site
from domain.access.queries.gate_health import GateHealth, gate_health
from domain.access.tables.place import GateRow, ZoneRow
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class GateView(msgspec.Struct, frozen=True, rename="camel"):
    """One gate; ``link`` is online, offline or unknown. A null zone is the street."""

    gate_id: int
    site_id: int
    name: str
    from_zone_id: int | None
    to_zone_id: int | None
    enabled: bool
    mode: str
    link: str
    last_seen_at: datetime | None
    firmware: str
    clock_offset_ms: int
    queue_depth: int
    last_seq: int
    health: GateHealth


@operation("access.list_gates", allow={"member", "guard", "desk", "manager", "admin"}, reads=True)
async def list_gates(
    ctx: Context, *, site_id: int, limit: Limit = 50, cursor: str | None = None
) -> Page[GateView]:
    """List the gates of a site to those who belong to it."""
    ctx.require("member", *STAFF, site_id=site_id)
    chosen = select(GateRow).where(GateRow.site_id == site_id, ~GateRow.desk)
    rows = await ctx.db.scalars(turn(chosen, GateRow.id, limit=limit, cursor=cursor))
    return page([view(row) for row in rows], limit, lambda gate: gate.gate_id)


@operation("access.get_gate", allow={"member", "guard", "desk", "manager", "admin"}, reads=True)
async def get_gate(ctx: Context, *, gate_id: int) -> GateView:
    """Return one gate to those who belong to its site."""
    row = await ctx.db.get(GateRow, gate_id)
    if row is None or not ctx.caller.holds("member", *STAFF, site_id=row.site_id):
        raise NotFound(f"There is no gate {gate_id}")
    return view(row)


@operation("access.create_gate", allow={"manager", "admin"})
async def create_gate(
    ctx: Context,
    *,
    site_id: int,
    name: Name,
    to_zone_id: int | None = None,
    from_zone_id: int | None = None,
) -> GateView:
    """Add a gate that leads from one zone (or the street) into another."""
    ctx.require("manager", site_id=site_id)
    await _of_this_site(ctx, site_id, fromZoneId=from_zone_id, toZoneId=to_zone_id)
    row = GateRow(site_id=site_id, name=name, from_zone_id=from_zone_id, to_zone_id=to_zone_id)
    ctx.db.add(row)
    await ctx.db.flush()
    ctx.emit(GateChanged(gate_id=row.id, site_id=site_id), of=row)
    await obey_site(ctx, row)
    return view(row)


@operation("access.change_gate", allow={"manager", "admin"})
async def change_gate(
    ctx: Context,
    *,
    gate_id: int,
    name: Name | None = None,
    enabled: bool | None = None,
) -> GateView:
    """Rename a gate, or take it out of service; what is not given stays."""
    row = await ctx.db.get(GateRow, gate_id, with_for_update={"key_share": True})
    if row is None or row.desk:
        raise NotFound(f"There is no gate {gate_id}")
    ctx.require("manager", site_id=row.site_id)
    row.name = row.name if name is None else name
    row.enabled = row.enabled if enabled is None else enabled
    ctx.emit(GateChanged(gate_id=row.id, site_id=row.site_id), of=row)
    return view(row)


def view(row: GateRow) -> GateView:
    """Return a gate as people see it."""
    return GateView(
        gate_id=row.id,
        site_id=row.site_id,
        name=row.name,
        from_zone_id=row.from_zone_id,
        to_zone_id=row.to_zone_id,
        enabled=row.enabled,
        mode=row.mode,
        link=row.link,
        last_seen_at=row.last_seen_at,
        firmware=row.firmware,
        clock_offset_ms=row.clock_offset_ms,
        queue_depth=row.queue_depth,
        last_seq=row.last_seq,
        health=gate_health(row),
    )


async def _of_this_site(ctx: Context, site_id: int, **zones: int | None) -> None:
    for field, zone_id in zones.items():
        zone = await ctx.db.get(ZoneRow, zone_id) if zone_id is not None else None
        if zone_id is not None and (zone is None or zone.site_id != site_id):
            raise Invalid.field(field, f"site {site_id} has no zone {zone_id}")
