"""The jobs that wait, and the worker that does them.

1. A job is a row from the commit that wants it until it has been done; then the row is gone.
2. To claim is to move ``run_at`` a little ahead and count the attempt. A worker renews its claims while it works, so
   that a killed worker's jobs are due again soon, and a job that kills its workers runs out of attempts.
3. ``attempts`` is also the claim's number: whoever has lost a claim can no longer end, delay or park the job.
4. A job that has failed ``attempts`` times is parked: kept with its last error until somebody sends it back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Identity, Index, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel import queries
from domain.kernel.context import Deferred
from domain.kernel.database import Table

LONGEST_ERROR = 2000


class JobRow(Table):
    """One job that is not done yet."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("jobs_due_idx", "run_at", "id", postgresql_where=text("parked_at IS NULL")),
        Index("jobs_parked_idx", "parked_at", postgresql_where=text("parked_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    job: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    run_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    parked_at: Mapped[datetime | None]
    error: Mapped[str | None]


class ClaimLost(Exception):
    """A job was worked on for so long without news that it was given to another worker."""


class Claim(msgspec.Struct, frozen=True):
    """A job that is this worker's for now; ``attempt`` numbers the claim."""

    id: int
    job: str
    arguments: dict[str, Any]
    attempt: int


async def enqueue(db: AsyncSession, deferred: Sequence[Deferred]) -> None:
    """Write jobs with the transaction of ``db``."""
    now = [{"job": one.job, "arguments": one.arguments} for one in deferred if one.run_at is None]
    later = [
        {"job": one.job, "arguments": one.arguments, "run_at": one.run_at}
        for one in deferred
        if one.run_at is not None
    ]
    if now:
        await db.execute(insert(JobRow).values(run_at=func.now()), now)
    if later:
        await db.execute(insert(JobRow), later)


async def claim(db: AsyncSession, jobs: Sequence[str], *, limit: int, lasts_s: float) -> list[Claim]:
    """Take up to ``limit`` due jobs of these names, the longest due first."""
    given = {"jobs": list(jobs), "limit": limit, "lasts_s": lasts_s}
    rows = (await db.execute(queries.load("domain.kernel", "claim_jobs"), given)).all()
    return [Claim(row.id, row.job, row.arguments, row.attempts) for row in rows]


async def renew(db: AsyncSession, claims: Sequence[Claim], *, lasts_s: float) -> None:
    """Keep these claims for as long again."""
    given = {
        "ids": [one.id for one in claims],
        "attempts": [one.attempt for one in claims],
        "lasts_s": lasts_s,
    }
    await db.execute(queries.load("domain.kernel", "renew_claims"), given)


async def done(db: AsyncSession, claimed: Claim) -> None:
    """Forget a job that has been carried out."""
    await db.execute(delete(JobRow).where(JobRow.id == claimed.id, JobRow.attempts == claimed.attempt))


async def finish(claimed: Claim, db: AsyncSession) -> None:
    """Forget a job in the transaction of its effect, so that both are or neither is.

    Raises:
        ClaimLost: Somebody else has the job by now, and the transaction must not commit.
    """
    mine = delete(JobRow).where(JobRow.id == claimed.id, JobRow.attempts == claimed.attempt)
    if await db.scalar(mine.returning(JobRow.id)) is None:
        raise ClaimLost(f"job {claimed.id} is not ours any more")


async def put_off(db: AsyncSession, claimed: Claim, *, pause_s: float, error: str) -> None:
    """Have a failed job tried again after a pause."""
    later = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, pause_s)
    await _note(db, claimed, run_at=later, error=error[:LONGEST_ERROR])


async def park(db: AsyncSession, claimed: Claim, *, error: str | None = None) -> None:
    """Set a job aside for people to look at; without an ``error`` the last one stays."""
    noted = {"error": error[:LONGEST_ERROR]} if error else {}
    await _note(db, claimed, parked_at=func.now(), **noted)


async def give_back(db: AsyncSession, claimed: Claim) -> None:
    """Return a job that was not finished through no fault of its own; the attempt does not count."""
    await _note(db, claimed, run_at=func.now(), attempts=claimed.attempt - 1)


async def parked(db: AsyncSession, *, limit: int = 100) -> Sequence[JobRow]:
    """Return the jobs that were given up, the latest first."""
    given_up = select(JobRow).where(JobRow.parked_at.is_not(None))
    return (await db.scalars(given_up.order_by(JobRow.parked_at.desc()).limit(limit))).all()


async def send_back(db: AsyncSession, ids: Sequence[int]) -> int:
    """Have parked jobs tried again from the start; return how many."""
    chosen = update(JobRow).where(JobRow.id.in_(ids), JobRow.parked_at.is_not(None))
    again = chosen.values(parked_at=None, attempts=0, run_at=func.now())
    return len((await db.scalars(again.returning(JobRow.id))).all())


async def _note(db: AsyncSession, claimed: Claim, **values: Any) -> None:
    mine = update(JobRow).where(JobRow.id == claimed.id, JobRow.attempts == claimed.attempt)
    await db.execute(mine.values(**values).execution_options(synchronize_session=False))
