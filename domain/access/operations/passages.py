"""Passages: somebody walked through, so zones, grants, guests and visits move."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select

from domain.access.events import VisitLogged
from domain.access.rules.passage import Standing, Walk, after, put
from domain.access.tables.orders import GateCommandRow
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.kernel import queries
from domain.kernel.context import Context

STANDING = (GrantRow.inside_zone_id, GrantRow.entered, GrantRow.moved_at, GrantRow.moved_by)


class Gate(msgspec.Struct, frozen=True):
    """Where a gate stands and between what; None is the street."""

    id: int
    site_id: int
    from_zone_id: int | None
    to_zone_id: int | None


class Passage(msgspec.Struct, frozen=True):
    """One walk through a gate."""

    access_id: int
    gate: Gate
    direction: str | None
    grant_id: int | None
    at: datetime
    rid: str | None = None

    @property
    def walk(self) -> Walk:
        """The walk as the rules see it."""
        there = self.gate.from_zone_id, self.gate.to_zone_id
        left, entered = there if self.direction == "in" else there[::-1]
        return Walk(self.access_id, left, entered, self.at)


class _Grant(msgspec.Struct):
    """A grant under its lock, moved here and written back once."""

    id: int
    site_id: int
    taken: int
    standing: Standing
    arrived_at: datetime | None = None


class _Guest(msgspec.Struct, frozen=True):
    grant_id: int
    id: int
    site_id: int
    host_user_id: int


class _Visit(msgspec.Struct, frozen=True):
    passage: Passage
    guest: _Guest
    action: str
    first: bool


async def walk(ctx: Context, passages: Sequence[Passage]) -> None:
    """Let the passages have their effects, in the order given."""
    passages = await _not_written_down(ctx, passages)
    guests, grants = await _locked(ctx, {p.grant_id for p in passages if p.grant_id is not None})
    visits = list[_Visit]()
    change: defaultdict[int | None, int] = defaultdict(int)
    for passage in passages:
        walk = passage.walk
        left, entered = walk.left, walk.entered
        grant = grants.get(passage.grant_id or 0)
        if grant is not None and grant.site_id == passage.gate.site_id:
            first = grant.standing.entered == 0 and walk.comes_in
            left, entered = _move(grant, walk)
            if guest := guests.get(grant.id):
                visits += _visits(passage, guest, first)
                grant.arrived_at = passage.at if first else grant.arrived_at
        change[left] -= 1
        change[entered] += 1
    if grants:
        await _write_back(ctx, list(grants.values()))
    if visits:
        await _write_visits(ctx, visits)
    await _count(ctx, change)


async def put_pass(ctx: Context, grant_id: int, zone_id: int | None, at: datetime, access_id: int) -> None:
    """Put a pass where somebody on duty says that it is; the zones' counts move with it."""
    _, grants = await _locked(ctx, {grant_id})
    grant = grants[grant_id]
    was = grant.standing.inside
    grant.standing = put(grant.standing, zone_id, at, access_id)
    grant.taken += 1
    await _write_back(ctx, [grant])
    if was != grant.standing.inside:
        await _count(ctx, {was: -1, grant.standing.inside: 1})


async def correct(ctx: Context, zone_id: int, delta: int) -> None:
    """Move a zone's count by what somebody on duty counted more or less."""
    await _count(ctx, {zone_id: delta})


async def _not_written_down(ctx: Context, passages: Sequence[Passage]) -> Sequence[Passage]:
    """Return the passages without those that gates report of a walk the desk wrote down when it had them open."""
    asked = {passage.rid for passage in passages if passage.rid is not None and passage.grant_id is None}
    if not asked:
        return passages
    command = GateCommandRow
    told = select(command.gate_id, command.id).where(command.id.in_(asked), command.written_down)
    known = {(gate_id, command_id) for gate_id, command_id in await ctx.db.execute(told)}
    return [
        passage
        for passage in passages
        if passage.grant_id is not None or (passage.gate.id, passage.rid) not in known
    ]


async def _locked(ctx: Context, grant_ids: set[int]) -> tuple[Mapping[int, _Guest], Mapping[int, _Grant]]:
    if not grant_ids:
        return {}, {}
    guest, grant, ids = GuestPassRow, GrantRow, sorted(grant_ids)
    chosen_guests = (
        select(guest.grant_id, guest.id, guest.site_id, guest.host_user_id)
        .where(guest.grant_id.in_(ids))
        .order_by(guest.id)
    )
    chosen_grants = (
        select(grant.id, grant.site_id, grant.taken, *STANDING).where(grant.id.in_(ids)).order_by(grant.id)
    )
    guests = await ctx.db.execute(chosen_guests.with_for_update(key_share=True))
    grants = await ctx.db.execute(chosen_grants.with_for_update(key_share=True))
    return (
        {row[0]: _Guest(*row) for row in guests},
        {row[0]: _Grant(*row[:3], standing_of(*row[3:])) for row in grants},
    )


def standing_of(
    inside: int | None, entered: int, moved_at: datetime | None, moved_by: int | None
) -> Standing:
    """Return where a pass is, by the columns of its grant that are named in ``STANDING``."""
    return Standing(inside, entered, moved_at, moved_by or 0)


def _move(grant: _Grant, walk: Walk) -> tuple[int | None, int | None]:
    """Put the pass where the person walked; return the zone it was in and the one it is in."""
    was = grant.standing.inside
    grant.standing = after(grant.standing, walk)
    grant.taken += 1
    return was, grant.standing.inside


def _visits(passage: Passage, guest: _Guest, first: bool) -> list[_Visit]:
    walk = passage.walk
    if walk.left is not None and walk.entered is not None:
        return []  # from zone to zone within one visit
    return [_Visit(passage, guest, "enter" if walk.comes_in else "exit", first)]


async def _write_back(ctx: Context, grants: Sequence[_Grant]) -> None:
    given = {
        "ids": [grant.id for grant in grants],
        "entered": [grant.standing.entered for grant in grants],
        "taken": [grant.taken for grant in grants],
        "inside": [grant.standing.inside for grant in grants],
        "moved_at": [grant.standing.moved_at for grant in grants],
        "moved_by": [grant.standing.moved_by or None for grant in grants],
        "arrived_at": [grant.arrived_at for grant in grants],
    }
    await ctx.db.execute(queries.load("domain.access", "move_grants"), given)


async def _write_visits(ctx: Context, visits: Sequence[_Visit]) -> None:
    given = {
        "site_ids": [visit.guest.site_id for visit in visits],
        "guest_pass_ids": [visit.guest.id for visit in visits],
        "host_user_ids": [visit.guest.host_user_id for visit in visits],
        "gate_ids": [visit.passage.gate.id for visit in visits],
        "access_ids": [visit.passage.access_id for visit in visits],
        "actions": [visit.action for visit in visits],
        "ats": [visit.passage.at for visit in visits],
    }
    ids = (await ctx.db.scalars(queries.load("domain.access", "write_visits"), given)).all()
    for visit_id, visit in zip(ids, visits, strict=True):
        ctx.emit(_logged(visit_id, visit))


def _logged(visit_id: int, visit: _Visit) -> VisitLogged:
    return VisitLogged(
        visit_id=visit_id,
        site_id=visit.guest.site_id,
        guest_pass_id=visit.guest.id,
        host_user_id=visit.guest.host_user_id,
        gate_id=visit.passage.gate.id,
        action=visit.action,
        first=visit.first,
        at=visit.passage.at,
    )


async def _count(ctx: Context, change: Mapping[int | None, int]) -> None:
    """Move the zones' counts; the street, None, has none."""
    zones = {zone_id: count for zone_id, count in change.items() if zone_id is not None}
    given = {"ids": list(zones), "inside": list(zones.values())}
    await ctx.db.execute(queries.load("domain.access", "count_passages"), given)
