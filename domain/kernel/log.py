"""The event log: one row per fact, written in the transaction of its change.

1. ``facts.id`` is given at insert and may commit out of order; ``facts.position`` is dense, given afterwards by
   the sequencer, and only for facts behind which no transaction can still commit.
2. ``unpublished`` holds a row per fact until its publications are out; whoever committed deletes it, or the relay.
3. Facts of a rush are noted in one row of ``unpublished``: that of the last, with the id of the first. Theirs are all
   ids between that are of the same transaction. An operation's statement may write a rush by itself (`ctx.rush`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Identity,
    Index,
    case,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from domain.kernel import queries
from domain.kernel.context import Context
from domain.kernel.database import Table, among
from domain.kernel.events import Event

MANY = 50
"""More facts than these in one transaction are a rush."""


class FactRow(Table):
    """One fact, for ever."""

    __tablename__ = "facts"
    __table_args__ = (
        Index("facts_aggregate_idx", "aggregate", "aggregate_id"),
        Index("facts_unplaced_idx", "id", postgresql_where=text("position IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    position: Mapped[int | None] = mapped_column(unique=True)
    transaction: Mapped[int] = mapped_column(server_default=text("(pg_current_xact_id()::text)::bigint"))
    name: Mapped[str]
    aggregate: Mapped[str]
    aggregate_id: Mapped[int]
    seq: Mapped[int]
    actor: Mapped[str]
    correlation: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[dict[str, Any]]


class UnpublishedRow(Table):
    """A fact whose publications are not known to be out yet."""

    __tablename__ = "unpublished"

    fact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    since: Mapped[datetime]
    first_id: Mapped[int | None]
    """Where the row is about a rush, its first fact."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A fact as the log holds it; ``rush`` is the last fact of the rush that it came with, if it did."""

    id: int
    event: Event
    seq: int
    actor: str
    correlation: str
    at: datetime
    rush: int | None = None

    @property
    def noted(self) -> int:
        """The row of ``unpublished`` that holds it."""
        return self.rush or self.id

    def envelope(self, source: str) -> dict[str, Any]:
        """Return the CloudEvents 1.0 form, with our sequence, correlation and actor as extensions."""
        return {
            "specversion": "1.0",
            "id": str(self.id),
            "source": source,
            "type": self.event.name,
            "subject": f"{self.event.aggregate}/{self.event.aggregate_id}",
            "time": self.at.isoformat(),
            "datacontenttype": "application/json",
            "seq": self.seq,
            "correlationid": self.correlation,
            "actor": self.actor,
            "data": msgspec.to_builtins(self.event),
        }


class _Line(msgspec.Struct, frozen=True, gc=False):
    """A fact on its way into the log."""

    name: str
    aggregate: str
    aggregate_id: int
    seq: int
    body: Event


async def write(ctx: Context) -> list[Fact]:
    """Put the context's facts into the log and return them with their ids, after what is there already of rushes."""
    actor, correlation, at = ctx.caller.actor, ctx.correlation, ctx.now

    def fact(fact_id: int, event: Event, seq: int, rush: int | None) -> Fact:
        return Fact(id=fact_id, event=event, seq=seq, actor=actor, correlation=correlation, at=at, rush=rush)

    rushed = [fact(fact_id, event, 1, one.last) for one in ctx.rushes for fact_id, event in one.shown.items()]
    if not ctx.emitted:
        return rushed
    rushing = bool(ctx.rushes) or len(ctx.emitted) > MANY
    lines = [
        _Line(one.event.name, one.event.aggregate, one.event.aggregate_id, one.seq, one.event)
        for one in ctx.emitted
    ]
    given = {
        "facts": msgspec.json.encode(lines).decode(),
        "actor": actor,
        "correlation": correlation,
        "at": at,
        "rush": rushing,
    }
    ((ids,),) = await ctx.rows(queries.load("domain.kernel", "write_facts"), given)
    rush = ids[-1] if rushing else None
    return rushed + [fact(i, one.event, one.seq, rush) for i, one in zip(ids, ctx.emitted, strict=True)]


async def published(db: AsyncSession, noted: Sequence[int]) -> None:
    """Note that the publications of the facts in these rows (`Fact.noted`) are out."""
    gone = delete(UnpublishedRow).where(among(UnpublishedRow.fact_id, noted))
    # no row of this table is ever held by a session, so there is nothing to bring up to date
    await db.execute(gone.execution_options(synchronize_session=False))


async def overdue(
    db: AsyncSession, events: Mapping[str, type[Event]], *, before: datetime, limit: int = 500
) -> list[Fact]:
    """Return the oldest facts that nobody has published since ``before``; their rows stay locked till commit.

    Facts that this version does not know are left to the one that wrote them. Of rushes, which are many facts in one
    row, as many come as are no more than ``limit`` facts together, but one in any case.
    """
    taken = (
        select(UnpublishedRow.fact_id, UnpublishedRow.first_id)
        .join(FactRow, FactRow.id == UnpublishedRow.fact_id)
        .where(UnpublishedRow.since < before, FactRow.name.in_(events))
        .order_by(UnpublishedRow.fact_id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=UnpublishedRow)
    )
    rows = [(row.fact_id, row.first_id) for row in await db.execute(taken)]
    last, of = aliased(FactRow), UnpublishedRow
    noted = FactRow.id.between(func.coalesce(of.first_id, of.fact_id), of.fact_id)
    chosen = (
        select(FactRow, case((of.first_id.is_not(None), of.fact_id)))
        .select_from(of)
        .join(last, last.id == of.fact_id)
        .join(FactRow, noted & (FactRow.transaction == last.transaction))
        .where(of.fact_id.in_(_no_more_than(limit, rows)))
        .order_by(FactRow.id)
    )
    return [revive(row, events, rush) for row, rush in await db.execute(chosen)]


def _no_more_than(limit: int, rows: Sequence[tuple[int, int | None]]) -> list[int]:
    """Return which rows are so many facts together; the first in any case."""
    sizes = accumulate(last - (first or last) + 1 for last, first in rows)
    return [
        last
        for place, ((last, _), size) in enumerate(zip(rows, sizes, strict=True))
        if not place or size <= limit
    ]


def revive(row: FactRow, events: Mapping[str, type[Event]], rush: int | None = None) -> Fact:
    """Return the fact that a row of the log holds."""
    event = msgspec.convert(row.body, events[row.name])
    return Fact(
        id=row.id,
        event=event,
        seq=row.seq,
        actor=row.actor,
        correlation=row.correlation,
        at=row.at,
        rush=rush,
    )
