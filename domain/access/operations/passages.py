"""Passages: somebody walked through, so zones, grants, guests and visits move, all in one statement (`walk.sql`)."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from domain.access.events import VisitLogged
from domain.access.rules.passage import Walk
from domain.kernel import queries
from domain.kernel.context import Context


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
    lines = [_Line(p.walk, p.gate.site_id, p.gate.id, p.grant_id) for p in passages]
    given = {"passages": msgspec.json.encode(lines).decode()}
    ((visits,),) = await ctx.rows(queries.load("domain.access", "walk"), given)
    for visit in msgspec.json.decode(visits, type=list[VisitLogged]):
        ctx.emit(visit)
