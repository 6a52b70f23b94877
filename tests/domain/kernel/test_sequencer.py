"""Positions are dense, given once, and never behind one that somebody may have read."""

import asyncio
import random

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel import leases
from domain.kernel.caller import SERVICE
from domain.kernel.database import Sessions
from domain.kernel.log import FactRow, write
from domain.kernel.sequencer import LEASE, ROLE, Sequencer
from tests.at_work import at_work
from tests.eventually import eventually
from tests.toy import CounterRaised, Toy


async def log(toy: Toy, db: AsyncSession, counter_id: int, seq: int) -> None:
    ctx = toy.runtime.context(SERVICE, db)
    ctx.emit(CounterRaised(counter_id=counter_id, by=seq))
    await write(ctx)


async def placed(writers: Sessions) -> list[tuple[int, int]]:
    async with writers() as db:
        rows = await db.execute(
            select(FactRow.position, FactRow.id)
            .where(FactRow.position.is_not(None))
            .order_by(FactRow.position)
        )
        return [(row.position, row.id) for row in rows]


async def test_a_fact_that_commits_late_comes_after_not_behind(toy: Toy, writers: Sessions):
    sequencer = Sequencer(writers, "a")
    async with writers.begin() as slow:
        await log(toy, slow, 1, 1)
        async with writers.begin() as fast:
            await log(toy, fast, 2, 1)

        assert not await sequencer.place()
        assert await placed(writers) == []

    assert await sequencer.place()
    assert await placed(writers) == [(1, 1), (2, 2)]


async def test_a_transaction_that_began_before_and_writes_after_is_waited_for(toy: Toy, writers: Sessions):
    sequencer = Sequencer(writers, "a")
    async with writers.begin() as db:
        await log(toy, db, 1, 1)
    async with writers.begin() as slow:
        await slow.execute(text("SELECT pg_current_xact_id()"))
        async with writers.begin() as fast:
            await log(toy, fast, 2, 1)
        await sequencer.place()
        assert await placed(writers) == [(1, 1)]
        await log(toy, slow, 1, 2)

    await sequencer.place()
    assert await placed(writers) == [(1, 1), (2, 2), (3, 3)]


async def test_a_rolled_back_fact_leaves_no_hole(toy: Toy, writers: Sessions):
    async with writers() as db:
        await log(toy, db, 1, 1)
        await db.rollback()
    async with writers.begin() as db:
        await log(toy, db, 2, 1)

    await Sequencer(writers, "a").place()

    assert await placed(writers) == [(1, 2)]


async def test_many_writers_at_once_and_no_reader_misses_one(toy: Toy, writers: Sessions):
    """A follower that keeps a position only sees every fact, each aggregate's in its order."""
    seen: list[tuple[int, int, int]] = []
    chance = random.Random(7)

    async def write_many(counter_id: int) -> None:
        for seq in range(1, 21):
            async with writers.begin() as db:
                await db.execute(text("SELECT pg_current_xact_id()"))
                if chance.random() < 0.3:
                    await db.execute(text("SELECT pg_sleep(0.02)"))
                await log(toy, db, counter_id, seq)
                if chance.random() < 0.3:
                    await db.execute(text("SELECT pg_sleep(0.02)"))

    async def read() -> bool:
        async with writers() as db:
            after = seen[-1][0] if seen else 0
            new = select(FactRow).where(FactRow.position > after).order_by(FactRow.position)
            seen.extend(
                (row.position or 0, row.aggregate_id, row.body["by"]) for row in await db.scalars(new)
            )
        return len(seen) == 6 * 20

    # Two at once, as when a lease has just changed hands.
    async with at_work(Sequencer(writers, "a", pause_s=0.001), Sequencer(writers, "b", pause_s=0.001)):
        writing = asyncio.gather(*(write_many(counter_id) for counter_id in range(6)))
        await eventually(read, timeout_s=15)
        await writing

    assert [position for position, _, _ in seen] == list(range(1, 121))
    for counter_id in range(6):
        assert [seq for _, one, seq in seen if one == counter_id] == list(range(1, 21))


async def test_facts_restored_from_another_cluster_are_placed(toy: Toy, writers: Sessions):
    """A dump keeps the transaction ids of the cluster that wrote it; in a new one they lie far ahead."""
    async with writers.begin() as db:
        await log(toy, db, 1, 1)
        await log(toy, db, 1, 2)
    async with writers.begin() as db:
        await db.execute(update(FactRow).values(transaction=FactRow.transaction + 5_000_000_000))
    async with writers.begin() as db:
        await log(toy, db, 1, 3)

    await Sequencer(writers, "a").place()

    assert await placed(writers) == [(1, 1), (2, 2), (3, 3)]


async def test_only_who_has_the_lease_places(toy: Toy, writers: Sessions):
    async with writers.begin() as db:
        await log(toy, db, 1, 1)
        assert await leases.acquire(db, ROLE, "another", lasts=LEASE)

    assert not await Sequencer(writers, "a").place()

    await leases.hand_over(writers, ROLE, "another")
    assert await Sequencer(writers, "a").place()


async def test_a_sequencer_that_ends_lets_the_next_begin_at_once(toy: Toy, writers: Sessions):
    for holder in ("a", "b"):
        async with writers.begin() as db:
            await log(toy, db, 1, 1)

        async def all_placed() -> bool:
            async with writers() as db:
                left = select(func.count()).select_from(FactRow).where(FactRow.position.is_(None))
                return await db.scalar(left) == 0

        async with at_work(Sequencer(writers, holder)):
            await eventually(all_placed, timeout_s=2)


async def test_a_long_log_is_placed_in_batches_without_seams(toy: Toy, writers: Sessions):
    async with writers.begin() as db:
        ctx = toy.runtime.context(SERVICE, db)
        for by in range(2500):
            ctx.emit(CounterRaised(counter_id=1, by=by))
        await write(ctx)

    sequencer = Sequencer(writers, "a")
    rounds = 0
    while await sequencer.place():
        rounds += 1

    assert rounds == 3
    assert [position for position, _ in await placed(writers)] == list(range(1, 2501))
