"""Confirmations: which gates have heard how a pass stands now, by their own word, and since when."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, select, true

from domain.access.operations.guest_passes import visible_guest_pass
from domain.access.operations.passes import visible_pass
from domain.access.tables.list_reports import ListReportRow
from domain.access.tables.lists import ListEntryRow
from domain.access.tables.place import GateRow
from domain.access.tables.rights import GrantRow
from domain.kernel.context import Context
from domain.kernel.operations import operation

KEPT = timedelta(days=7)
FORGOTTEN_AT_ONCE = 50_000


class GateConfirmation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether one gate has it. ``since`` is when the server heard so; null: not at all, or more than a week ago."""

    gate_id: int
    name: str
    link: str
    has: bool
    since: datetime | None


class PassConfirmations(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A pass and the gates of its site.

    ``revision`` is that of the list on which the pass came to stand as it does; a gate has it once it says that one
    or a later. ``missing`` counts the gates that have not.
    """

    pass_id: int
    site_id: int
    revision: int
    revoked_at: datetime | None
    missing: int
    gates: Sequence[GateConfirmation]


@operation(
    "access.list_pass_confirmations", allow={"member", "guard", "desk", "manager", "admin"}, reads=True
)
async def list_pass_confirmations(ctx: Context, *, pass_id: int) -> PassConfirmations:
    """List for each gate whether it knows how a badge, ticket or other pass stands, to its holder and to staff."""
    return await _confirmations(ctx, await visible_pass(ctx, pass_id))


@operation(
    "access.list_guest_pass_confirmations",
    allow={"member", "guard", "desk", "manager", "admin"},
    reads=True,
)
async def list_guest_pass_confirmations(ctx: Context, *, guest_pass_id: int) -> PassConfirmations:
    """List for each gate whether it knows how a guest pass stands, to its host and to staff of its site."""
    _, grant = await visible_guest_pass(ctx, guest_pass_id)
    return await _confirmations(ctx, grant)


@operation("access.forget_list_reports", allow={"service"}, replays=False)
async def forget_list_reports(ctx: Context) -> int:
    """Forget when gates said that they have lists of last week; return of how many."""
    old = select(ListReportRow.gate_id, ListReportRow.revision).where(
        ListReportRow.reported_at < ctx.now - KEPT
    )
    few = old.limit(FORGOTTEN_AT_ONCE).subquery()
    mine = (ListReportRow.gate_id == few.c.gate_id) & (ListReportRow.revision == few.c.revision)
    gone = await ctx.db.execute(delete(ListReportRow).where(mine).returning(ListReportRow.gate_id))
    return len(gone.all())


async def _confirmations(ctx: Context, grant: GrantRow) -> PassConfirmations:
    entry = await ctx.db.get(ListEntryRow, grant.id)
    revision = entry.revision if entry is not None else 0
    # Revisions grow: the first above this one that a gate said is the first that it said.
    reported = (
        select(ListReportRow.reported_at)
        .where(ListReportRow.gate_id == GateRow.id, ListReportRow.revision >= revision)
        .order_by(ListReportRow.revision)
        .limit(1)
        .lateral()
    )
    chosen = select(GateRow, reported.c.reported_at).outerjoin(reported, true())
    mine = chosen.where(GateRow.site_id == grant.site_id, ~GateRow.desk).order_by(GateRow.id)
    gates = [_confirmation(gate, revision, at) for gate, at in await ctx.db.execute(mine)]
    return PassConfirmations(
        pass_id=grant.id,
        site_id=grant.site_id,
        revision=revision,
        revoked_at=grant.revoked_at,
        missing=sum(not gate.has for gate in gates),
        gates=gates,
    )


def _confirmation(gate: GateRow, revision: int, at: datetime | None) -> GateConfirmation:
    has = 0 < revision <= gate.list_revision
    return GateConfirmation(
        gate_id=gate.id, name=gate.name, link=gate.link, has=has, since=at if has else None
    )
