"""Who is inside a site, how sure that is, and who of them has been seen to be safe."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, func, select

from domain.access.rules.muster import DOUBTS, ZoneSum, confidence, reconcile
from domain.access.tables.alarms import AlarmRow
from domain.access.tables.place import GateRow, ZoneRow
from domain.access.tables.record import AccessLogRow
from domain.identity.queries.people import names_of
from domain.kernel import queries
from domain.kernel.context import Context

Warned = Literal["revoked", "expired"]


class Person(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody with a pass. Without a zone they are outside; ``warning`` says what is wrong with the pass.

    ``confidence``: `seen` by a gate that was sure within twelve hours, else `assumed`; `doubt` where an alarm since
    says that somebody may have passed unseen.
    """

    pass_id: int
    guest_pass_id: int | None
    kind: str
    name: str
    host_user_id: int | None
    host_name: str | None
    zone_id: int | None
    zone_name: str | None
    last_gate_id: int | None
    last_gate_name: str | None
    last_at: datetime | None
    confidence: str
    warning: Warned | None
    safe: bool
    marked_way: str | None
    marked_by: int | None
    marked_by_name: str | None
    marked_gate_id: int | None
    marked_at: datetime | None


class Known(msgspec.Struct, frozen=True):
    """A person with the version of what is shown of them; ``listed`` where they are inside or marked."""

    person: Person
    version: int
    listed: bool


class _Sight(msgspec.Struct, frozen=True):
    """The event by which somebody is where they are."""

    gate_id: int
    gate_name: str
    sure: bool


async def people_inside(
    ctx: Context, site_id: int, *, muster_id: int = 0, only: Collection[int] | None = None
) -> list[Known]:
    """Return those inside and those marked in a muster, by zone and name; or those asked for, wherever they are."""
    given = {
        "site_id": site_id,
        "muster_id": muster_id,
        "only": None if only is None else sorted(only),
        "doubts": sorted(DOUBTS),
    }
    rows = (await ctx.db.execute(queries.load("domain.access", "who_is_inside"), given)).all()
    sights = await _sights(ctx, site_id, rows)
    people = {row.host_user_id for row in rows} | {row.holder_user_id for row in rows}
    people |= {row.marked_by for row in rows}
    names = await names_of(ctx, {user_id for user_id in people if user_id is not None})
    doubts = await doubtful(ctx, site_id)
    return [
        Known(
            _person(ctx, row, sights, names),
            # each of these only grows: moves, the guest's pass, marks, alarms that cast doubt
            row.taken + row.guest_version + row.mark_version + doubts,
            row.inside_zone_id is not None or row.safe is not None,
        )
        for row in rows
    ]


async def zone_sums(ctx: Context, site_id: int, people: Sequence[Known]) -> list[ZoneSum]:
    """Return for each zone how its number comes about, beside the people we know in it."""
    rows = await ctx.db.execute(queries.load("domain.access", "zone_parts"), {"site_id": site_id})
    parts = {row.zone_id: (row.came, row.went, row.corrected) for row in rows}
    zones = await ctx.db.scalars(select(ZoneRow).where(ZoneRow.site_id == site_id).order_by(ZoneRow.id))
    return [
        reconcile(zone.id, zone.name, zone.inside, parts.get(zone.id, (0, 0, 0)), seen_in(people, zone.id))
        for zone in zones
    ]


def seen_in(people: Sequence[Known], zone_id: int) -> tuple[int, int]:
    """Return how many of these are in a zone, and how many of them are safe."""
    inside = [known.person for known in people if known.person.zone_id == zone_id]
    return len(inside), sum(person.safe for person in inside)


async def doubtful(ctx: Context, site_id: int) -> int:
    """Return a number that grows with every alarm that casts doubt on who is inside."""
    chosen = select(func.coalesce(func.sum(AlarmRow.version), 0))
    return int(await ctx.db.scalar(chosen.where(AlarmRow.site_id == site_id, AlarmRow.kind.in_(DOUBTS))) or 0)


async def _sights(ctx: Context, site_id: int, rows: Sequence[Row[Any]]) -> Mapping[int, _Sight]:
    ids = [row.moved_by for row in rows if row.moved_by is not None]
    if not ids:
        return {}
    gates = {row.id: row for row in await ctx.db.scalars(select(GateRow).where(GateRow.site_id == site_id))}
    event = AccessLogRow
    chosen = select(event.id, event.gate_id, event.clock, event.source, event.detail)
    found = {}
    for number, gate_id, clock, source, detail in await ctx.db.execute(chosen.where(event.id.in_(ids))):
        gate = gates[gate_id]
        if gate.desk:
            gate = gates.get(detail.get("gate"), gate)
        found[number] = _Sight(gate.id, gate.name, clock == "ok" and source == "online")
    return found


def _person(ctx: Context, row: Row[Any], sights: Mapping[int, _Sight], names: Mapping[int, str]) -> Person:
    sight = sights.get(row.moved_by or 0)
    host = row.host_user_id
    return Person(
        pass_id=row.pass_id,
        guest_pass_id=row.guest_pass_id,
        kind=row.kind,
        name=row.guest_name or row.holder_name or names.get(row.holder_user_id or 0, ""),
        host_user_id=host,
        host_name=names.get(host or 0),
        zone_id=row.inside_zone_id,
        zone_name=row.zone_name,
        last_gate_id=sight.gate_id if sight else None,
        last_gate_name=sight.gate_name if sight else None,
        last_at=row.moved_at,
        confidence=confidence(
            row.moved_at or ctx.now,
            ctx.now,
            sure=sight is not None and sight.sure,
            doubted_at=row.doubted_at,
        ),
        warning=_warning(row, ctx.now),
        safe=bool(row.safe),
        marked_way=row.way,
        marked_by=row.marked_by,
        marked_by_name=names.get(row.marked_by or 0),
        marked_gate_id=row.marked_gate_id,
        marked_at=row.marked_at,
    )


def _warning(row: Row[Any], now: datetime) -> Warned | None:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.valid_until <= now else None
