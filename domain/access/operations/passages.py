"""Passages: somebody walked through, so zones, grants, guests and visits move."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec
from sqlalchemy import Select, insert, select

from domain.access.events import VisitLogged
from domain.access.tables.place import GateRow, ZoneRow
from domain.access.tables.record import VisitRow
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.kernel.context import Context


R = TypeVar("R")


class Passage(msgspec.Struct, frozen=True):
    """One walk through a gate."""

    access_id: int
    gate: GateRow
    direction: str | None
    grant_id: int | None
    at: datetime

    @property
    def zones(self) -> tuple[int | None, int | None]:
        """The zone left and the zone entered; None is the street."""
        there = self.gate.from_zone_id, self.gate.to_zone_id
        return there if self.direction == "in" else there[::-1]


async def walk(ctx: Context, passages: Sequence[Passage]) -> None:
    """Let the passages have their effects, in the order given."""
    guests, grants = await _locked(ctx, {p.grant_id for p in passages if p.grant_id is not None})
    for passage in passages:
        grant = grants.get(passage.grant_id or 0)
        if grant is not None and grant.site_id == passage.gate.site_id:
            first = _move(grant, passage)
            if guest := guests.get(grant.id):
                await _visit(ctx, passage, guest, first=first)
    await _count(ctx, passages)


async def _locked(
    ctx: Context, grant_ids: set[int]
) -> tuple[Mapping[int, GuestPassRow], Mapping[int, GrantRow]]:
    if not grant_ids:
        return {}, {}
    chosen_guests = select(GuestPassRow).where(GuestPassRow.grant_id.in_(grant_ids)).order_by(GuestPassRow.id)
    chosen_grants = select(GrantRow).where(GrantRow.id.in_(grant_ids)).order_by(GrantRow.id)
    guests = (await ctx.db.scalars(_held(chosen_guests))).all()
    grants = (await ctx.db.scalars(_held(chosen_grants))).all()
    return {guest.grant_id: guest for guest in guests}, {grant.id: grant for grant in grants}


def _held(chosen: Select[R]) -> Select[R]:
    """Lock the rows, and read them again where this session has looked before."""
    return chosen.with_for_update(key_share=True).execution_options(populate_existing=True)


def _move(grant: GrantRow, passage: Passage) -> bool:
    """Put the pass where the person walked; tell whether it was its first entry from the street."""
    left, entered = passage.zones
    from_street = left is None and entered is not None
    first = from_street and grant.entered == 0
    grant.entered += from_street
    grant.taken += 1
    # a late report of an older walk must not put somebody back where they were
    if grant.moved_at is None or passage.at >= grant.moved_at:
        grant.inside_zone_id = entered
        grant.moved_at = passage.at
    return first


async def _visit(ctx: Context, passage: Passage, guest: GuestPassRow, *, first: bool) -> None:
    left, entered = passage.zones
    if left is not None and entered is not None:
        return  # from zone to zone within one visit
    action = "enter" if left is None else "exit"
    if first:
        guest.arrived_at = passage.at
    added = insert(VisitRow).values(
        site_id=guest.site_id,
        guest_pass_id=guest.id,
        host_user_id=guest.host_user_id,
        gate_id=passage.gate.id,
        access_id=passage.access_id,
        action=action,
        at=passage.at,
    )
    visit_id = (await ctx.db.execute(added.returning(VisitRow.id))).scalar_one()
    ctx.emit(
        VisitLogged(
            visit_id=visit_id,
            site_id=guest.site_id,
            guest_pass_id=guest.id,
            host_user_id=guest.host_user_id,
            gate_id=passage.gate.id,
            action=action,
            first=first,
            at=passage.at,
        )
    )


async def _count(ctx: Context, passages: Sequence[Passage]) -> None:
    change: defaultdict[int, int] = defaultdict(int)
    for passage in passages:
        left, entered = passage.zones
        if left is not None:
            change[left] -= 1
        if entered is not None:
            change[entered] += 1
    chosen = select(ZoneRow).where(ZoneRow.id.in_(change)).order_by(ZoneRow.id)
    for zone in (await ctx.db.scalars(_held(chosen))).all():
        zone.inside += change[zone.id]
        zone.taken += 1
        zone.version += 1
