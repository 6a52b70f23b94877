"""Keys are remembered for a day.

Proves: domain/kernel/housekeeping.py, domain/kernel/backlog.py
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from domain.kernel.backlog import measure
from domain.kernel.database import Sessions
from domain.kernel.housekeeping import Housekeeping
from domain.kernel.idempotency import IdempotencyRow
from domain.kernel.queue import JobRow
from tests.toy import MEMBER, Toy


async def test_keys_older_than_a_day_are_forgotten(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    for key in ("a", "b"):
        await toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": counter_id}, key=key)
    soon, late = (datetime.now(UTC) + timedelta(hours=hours) for hours in (23, 25))

    assert not await Housekeeping(writers, clock=lambda: soon).sweep()
    assert await Housekeeping(writers, clock=lambda: late).sweep()
    assert not await Housekeeping(writers, clock=lambda: late).sweep()

    async with writers() as db:
        assert (await db.scalars(select(IdempotencyRow.key))).all() == []


async def test_the_backlog_counts_what_waits(toy: Toy, writers: Sessions):
    toy.publishing_fails = True
    await toy.make()
    past = datetime.now(UTC) - timedelta(minutes=1)
    async with writers.begin() as db:
        db.add(JobRow(job="a", arguments={}, run_at=past))
        db.add(JobRow(job="a", arguments={}, run_at=past + timedelta(hours=1)))
        db.add(JobRow(job="a", arguments={}, run_at=past, parked_at=past))

    async with writers() as db:
        backlog = await measure(db)

    assert backlog.jobs_due.count == backlog.jobs_parked.count == 1
    assert 59 < backlog.jobs_due.oldest_s < 120
    assert 59 < backlog.jobs_parked.oldest_s < 120
    assert backlog.facts_unplaced.count == backlog.facts_unpublished.count == 1
