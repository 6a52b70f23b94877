"""The event log: one row per fact, written in the transaction of its change.

1. ``facts.id`` is given at insert and may commit out of order; ``facts.position`` is dense, given afterwards by
   the sequencer, and only for facts behind which no transaction can still commit.
2. ``unpublished`` holds a row per fact until its publications are out; whoever committed deletes it, or the relay.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ARRAY, BigInteger, Identity, Index, any_, delete, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel import queries
from domain.kernel.context import Context
from domain.kernel.database import Table
from domain.kernel.events import Event


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


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A fact as the log holds it."""

    id: int
    event: Event
    seq: int
    actor: str
    correlation: str
    at: datetime

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


async def write(ctx: Context) -> list[Fact]:
    """Put the context's facts into the log and return them with their ids."""
    if not ctx.emitted:
        return []
    events = [one.event for one in ctx.emitted]
    given = {
        "names": [event.name for event in events],
        "aggregates": [event.aggregate for event in events],
        "aggregate_ids": [event.aggregate_id for event in events],
        "seqs": [one.seq for one in ctx.emitted],
        "bodies": [msgspec.json.encode(event).decode() for event in events],
        "actor": ctx.caller.actor,
        "correlation": ctx.correlation,
        "at": ctx.now,
    }
    ids = (await ctx.db.scalars(queries.load("domain.kernel", "write_facts"), given)).all()
    return [
        Fact(
            id=i,
            event=one.event,
            seq=one.seq,
            actor=ctx.caller.actor,
            correlation=ctx.correlation,
            at=ctx.now,
        )
        for i, one in zip(ids, ctx.emitted, strict=True)
    ]


async def published(db: AsyncSession, fact_ids: Sequence[int]) -> None:
    """Note that the publications of these facts are out."""
    these = literal(list(fact_ids), ARRAY(BigInteger))
    gone = delete(UnpublishedRow).where(UnpublishedRow.fact_id == any_(these))
    # no row of this table is ever held by a session, so there is nothing to bring up to date
    await db.execute(gone.execution_options(synchronize_session=False))


async def overdue(
    db: AsyncSession, events: Mapping[str, type[Event]], *, before: datetime, limit: int = 500
) -> list[Fact]:
    """Return the oldest facts that nobody has published since ``before``; their rows stay locked till commit.

    Facts that this version does not know are left to the one that wrote them.
    """
    taken = (
        select(UnpublishedRow.fact_id)
        .join(FactRow, FactRow.id == UnpublishedRow.fact_id)
        .where(UnpublishedRow.since < before, FactRow.name.in_(events))
        .order_by(UnpublishedRow.fact_id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=UnpublishedRow)
    )
    ids = (await db.scalars(taken)).all()
    rows = (await db.scalars(select(FactRow).where(FactRow.id.in_(ids)).order_by(FactRow.id))).all()
    return [revive(row, events) for row in rows]


def revive(row: FactRow, events: Mapping[str, type[Event]]) -> Fact:
    """Return the fact that a row of the log holds."""
    event = msgspec.convert(row.body, events[row.name])
    return Fact(id=row.id, event=event, seq=row.seq, actor=row.actor, correlation=row.correlation, at=row.at)
