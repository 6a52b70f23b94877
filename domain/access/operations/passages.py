"""Passages: somebody walked through, so zones, grants, guests and visits move, all in one statement (`walk.sql`)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select, update

from domain.access.events import VisitLogged
from domain.access.rules.passage import Standing, Walk, put
from domain.access.tables.orders import GateCommandRow
from domain.access.tables.rights import GrantRow
from domain.kernel import queries
from domain.kernel.context import Context

STANDING = (GrantRow.inside_zone_id, GrantRow.entered, GrantRow.moved_at, GrantRow.moved_by)


class Gate(msgspec.Struct, frozen=True):
    """Where a gate stands and between what; None is the street."""

    id: int
    site_id: int
    from_zone_id: int | None
    to_zone_id: int | None


class Passage(msgspec.Struct, frozen=True, gc=False):
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


class _Line(msgspec.Struct, frozen=True, gc=False):
    """A passage as the statement takes it."""

    walk: Walk
    site_id: int
    gate_id: int
    grant_id: int | None


async def walk(ctx: Context, passages: Sequence[Passage]) -> None:
    """Let the passages have their effects, in the order given."""
    passages = await _not_written_down(ctx, passages)
    lines = [_Line(p.walk, p.gate.site_id, p.gate.id, p.grant_id) for p in passages]
    given = {"passages": msgspec.json.encode(lines).decode()}
    ((visits,),) = await ctx.rows(queries.load("domain.access", "walk"), given)
    for visit in msgspec.json.decode(visits, type=list[VisitLogged]):
        ctx.emit(visit)


def standing_of(
    inside: int | None, entered: int, moved_at: datetime | None, moved_by: int | None
) -> Standing:
    """Return where a pass is, by the columns of its grant that are named in ``STANDING``."""
    return Standing(inside, entered, moved_at, moved_by or 0)


async def put_pass(ctx: Context, grant_id: int, zone_id: int | None, at: datetime, access_id: int) -> None:
    """Put a pass where somebody on duty says that it is; the zones' counts move with it."""
    grant = GrantRow
    where = select(*STANDING).where(grant.id == grant_id)
    row = (await ctx.db.execute(where.with_for_update(key_share=True))).one()
    was = standing_of(*row)
    now = put(was, zone_id, at, access_id)
    moved = {"inside_zone_id": now.inside, "moved_at": now.moved_at, "moved_by": now.moved_by or None}
    put_there = update(grant).where(grant.id == grant_id).values(**moved, taken=grant.taken + 1)
    await ctx.db.execute(put_there.execution_options(synchronize_session=False))
    if was.inside != now.inside:
        await _count(ctx, {was.inside: -1, now.inside: 1})


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


async def _count(ctx: Context, change: Mapping[int | None, int]) -> None:
    """Move the zones' counts; the street, None, has none."""
    zones = {zone_id: count for zone_id, count in change.items() if zone_id is not None}
    given = {"ids": list(zones), "inside": list(zones.values())}
    await ctx.db.execute(queries.load("domain.access", "count_passages"), given)
