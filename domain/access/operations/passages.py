"""Passages: somebody walked through, so zones, grants, guests and visits move, all in one statement (`walk.sql`)."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from domain.access.events import VisitLogged
from domain.kernel import queries
from domain.kernel.context import Context


class Gate(msgspec.Struct, frozen=True):
    """Where a gate stands and between what; None is the street."""

    id: int
    site_id: int
    from_zone_id: int | None
    to_zone_id: int | None


class Passage(msgspec.Struct, frozen=True, gc=False):
    """One walk through a gate, from a zone to a zone; None is the street."""

    access_id: int
    site_id: int
    gate_id: int
    left_id: int | None
    entered_id: int | None
    grant_id: int | None
    at: datetime


async def walk(ctx: Context, passages: Sequence[Passage]) -> None:
    """Let the passages have their effects, in the order given."""
    given = {"passages": msgspec.json.encode(passages).decode()}
    ((visits,),) = await ctx.rows(queries.load("domain.access", "walk"), given)
    for visit in msgspec.json.decode(visits, type=list[VisitLogged]):
        ctx.emit(visit)
