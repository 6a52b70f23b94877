"""Dossiers: everything that access keeps about one person, as one document for them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, or_, select

from domain.access.operations.access_log import VisitView
from domain.access.operations.access_log import view as visit_view
from domain.access.operations.privacy import guests_like
from domain.access.queries.log_entries import LogEntry, entries, read_entries
from domain.access.tables.credentials import CredentialRow
from domain.access.tables.musters import MusterMarkRow
from domain.access.tables.record import AccessLogRow, VisitRow
from domain.access.tables.rights import DecisionRow, GrantRow, GuestPassRow
from domain.kernel import queries
from domain.kernel.context import Context
from domain.kernel.errors import Forbidden, Invalid, NotFound
from domain.kernel.operations import operation


class PassRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A pass that was made for a guest, or by a host."""

    guest_pass_id: int
    site_id: int
    host_user_id: int
    guest_name: str
    guest_email: str | None
    valid_from: datetime
    valid_until: datetime
    created_at: datetime
    arrived_at: datetime | None
    revoked_at: datetime | None


class OwnPassRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A badge, ticket or other pass, with what is known of the cards, PINs and plates that open gates for it."""

    pass_id: int
    site_id: int
    kind: str
    holder_name: str
    valid_from: datetime
    valid_until: datetime
    revoked_at: datetime | None
    inside_zone_id: int | None
    credentials: Sequence[str]


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How it was decided whether a gate opens."""

    decision: str
    gate_id: int
    at: datetime
    direction: str
    admit: bool
    reason: str
    trace: Sequence[Any]


class ActRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something the person ordered."""

    what: str
    at: datetime
    reason: str


class MarkRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether the person was seen to be safe in a muster."""

    muster_id: int
    at: datetime
    safe: bool
    way: str


class Dossier(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All of it; of a guest by their passes, of a user by what they host, order and write down."""

    user_id: int | None
    guest_pass_id: int | None
    made_at: datetime
    guest_passes: Sequence[PassRecord]
    passes: Sequence[OwnPassRecord]
    visits: Sequence[VisitView]
    log: Sequence[LogEntry]
    decisions: Sequence[DecisionRecord]
    marks: Sequence[MarkRecord]
    acts: Sequence[ActRecord]


@operation("access.export_person", allow={"member", "guard", "desk", "manager", "admin"}, reads=True)
async def export_person(
    ctx: Context, *, user_id: int | None = None, guest_pass_id: int | None = None
) -> Dossier:
    """Return everything kept here about one person: about the caller, or (for managers) about the guest of a pass.

    Managers give a guest's to the guest, who may ask for it. What other parts keep, such as letters, is asked of them.
    Whom a site watches is its own word and not in it.
    """
    if (user_id is None) == (guest_pass_id is None):
        raise Invalid.field("userId", "give either this or guestPassId")
    if guest_pass_id is not None:
        return await _of_guest(ctx, guest_pass_id)
    if user_id != ctx.caller.user_id and not ctx.caller.everywhere:
        raise Forbidden("Everybody asks for their own")
    assert user_id is not None, "one of the two is given"
    return await _of_user(ctx, user_id)


async def _of_guest(ctx: Context, guest_pass_id: int) -> Dossier:
    guest = await ctx.db.get(GuestPassRow, guest_pass_id)
    if guest is None or not ctx.caller.holds("manager", site_id=guest.site_id):
        raise NotFound(f"There is no guest pass {guest_pass_id}")
    guests = await guests_like(ctx, guest_pass_id)
    ids, grants = [one.id for one in guests], [one.grant_id for one in guests]
    return Dossier(
        user_id=None,
        guest_pass_id=guest_pass_id,
        made_at=ctx.now,
        guest_passes=await _passes(ctx, _guests().where(GuestPassRow.id.in_(ids))),
        passes=await _own_passes(ctx, grants),
        visits=await _visits(ctx, select(VisitRow).where(VisitRow.guest_pass_id.in_(ids))),
        log=await _log(ctx, grants),
        decisions=await _decisions(ctx, grants),
        marks=await _marks(ctx, grants),
        acts=[],
    )


async def _of_user(ctx: Context, user_id: int) -> Dossier:
    hosted = or_(GuestPassRow.host_user_id == user_id, GuestPassRow.requested_by == user_id)
    grants = (await ctx.db.scalars(select(GrantRow.id).where(GrantRow.holder_user_id == user_id))).all()
    return Dossier(
        user_id=user_id,
        guest_pass_id=None,
        made_at=ctx.now,
        guest_passes=await _passes(ctx, _guests().where(hosted)),
        passes=await _own_passes(ctx, grants),
        visits=await _visits(ctx, select(VisitRow).where(VisitRow.host_user_id == user_id)),
        log=await _log(ctx, grants),
        decisions=await _decisions(ctx, grants),
        marks=await _marks(ctx, grants),
        acts=await _acts(ctx, user_id),
    )


def _guests() -> Select[GuestPassRow, GrantRow]:
    return select(GuestPassRow, GrantRow).join(GrantRow, GrantRow.id == GuestPassRow.grant_id)


async def _passes(ctx: Context, chosen: Select[GuestPassRow, GrantRow]) -> list[PassRecord]:
    return [
        PassRecord(
            guest_pass_id=guest.id,
            site_id=guest.site_id,
            host_user_id=guest.host_user_id,
            guest_name=guest.guest_name,
            guest_email=guest.guest_email,
            valid_from=grant.valid_from,
            valid_until=grant.valid_until,
            created_at=guest.created_at,
            arrived_at=guest.arrived_at,
            revoked_at=grant.revoked_at,
        )
        for guest, grant in await ctx.db.execute(chosen.order_by(GuestPassRow.id))
    ]


async def _own_passes(ctx: Context, grants: Sequence[int]) -> list[OwnPassRecord]:
    credentials: defaultdict[int, list[str]] = defaultdict(list)
    shown = select(CredentialRow).where(CredentialRow.grant_id.in_(grants)).order_by(CredentialRow.id)
    for one in await ctx.db.scalars(shown):
        credentials[one.grant_id].append(f"{one.kind} {one.hint}".strip())
    chosen = select(GrantRow).where(GrantRow.id.in_(grants)).order_by(GrantRow.id)
    return [
        OwnPassRecord(
            pass_id=grant.id,
            site_id=grant.site_id,
            kind=grant.kind,
            holder_name=grant.holder_name,
            valid_from=grant.valid_from,
            valid_until=grant.valid_until,
            revoked_at=grant.revoked_at,
            inside_zone_id=grant.inside_zone_id,
            credentials=credentials[grant.id],
        )
        for grant in await ctx.db.scalars(chosen)
    ]


async def _visits(ctx: Context, chosen: Select[VisitRow]) -> list[VisitView]:
    return [visit_view(row) for row in await ctx.db.scalars(chosen.order_by(VisitRow.id))]


async def _log(ctx: Context, grants: Sequence[int]) -> list[LogEntry]:
    chosen = entries().where(AccessLogRow.grant_id.in_(grants)).order_by(AccessLogRow.id)
    return await read_entries(ctx, chosen)


async def _decisions(ctx: Context, grants: Sequence[int]) -> list[DecisionRecord]:
    chosen = select(DecisionRow).where(DecisionRow.grant_id.in_(grants)).order_by(DecisionRow.at)
    return [
        DecisionRecord(
            decision=row.id,
            gate_id=row.gate_id,
            at=row.at,
            direction=row.direction,
            admit=row.admit,
            reason=row.reason,
            trace=row.trace,
        )
        for row in await ctx.db.scalars(chosen)
    ]


async def _marks(ctx: Context, grants: Sequence[int]) -> list[MarkRecord]:
    chosen = select(MusterMarkRow).where(MusterMarkRow.grant_id.in_(grants)).order_by(MusterMarkRow.at)
    return [
        MarkRecord(muster_id=row.muster_id, at=row.at, safe=row.safe, way=row.way)
        for row in await ctx.db.scalars(chosen)
    ]


async def _acts(ctx: Context, user_id: int) -> list[ActRecord]:
    rows = await ctx.db.execute(queries.load("domain.access", "acts_of_user"), {"user_id": user_id})
    return [ActRecord(what=what, at=at, reason=reason) for what, at, reason in rows]
