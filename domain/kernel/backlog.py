"""How much waits: the numbers that tell whether the background keeps up."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Float, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.followers import FollowerRow, last_position
from domain.kernel.log import FactRow, UnpublishedRow
from domain.kernel.queue import JobRow


class Waiting(msgspec.Struct, frozen=True):
    """How many wait in one place, and the age of the oldest in seconds."""

    count: int
    oldest_s: float


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What waits now. ``followers`` is by how many positions each lags."""

    jobs_due: Waiting
    jobs_parked: Waiting
    facts_unplaced: Waiting
    facts_unpublished: Waiting
    followers: Mapping[str, int]


async def measure(db: AsyncSession) -> Backlog:
    """Count what waits."""
    last = await last_position(db)
    lagging = await db.execute(select(FollowerRow.name, FollowerRow.position))
    return Backlog(
        jobs_due=await _waiting(
            db, JobRow.run_at, JobRow.parked_at.is_(None) & (JobRow.run_at <= func.now())
        ),
        jobs_parked=await _waiting(db, JobRow.parked_at, JobRow.parked_at.is_not(None)),
        facts_unplaced=await _waiting(db, FactRow.at, FactRow.position.is_(None)),
        facts_unpublished=await _waiting(db, UnpublishedRow.since, UnpublishedRow.fact_id > 0),
        followers={name: max(0, last - position) for name, position in lagging},
    )


async def _waiting(db: AsyncSession, since: Any, which: ColumnElement[bool]) -> Waiting:
    age = func.extract("epoch", func.now() - func.min(since)).cast(Float)
    count, oldest_s = (await db.execute(select(func.count(), age).where(which))).one()
    return Waiting(count, max(0.0, oldest_s or 0.0))
