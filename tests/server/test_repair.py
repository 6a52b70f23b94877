"""What a process committed and did not publish is published by another."""

from datetime import timedelta

from sqlalchemy import func, select, update

from domain.kernel.log import FactRow, UnpublishedRow
from tests.court import SHOWN, Court, Fragile


async def test_the_repair_publishes_what_was_left_once_it_is_overdue(court: Court):
    broker = court.process.broker
    assert isinstance(broker, Fragile)
    broker.away = True
    await court.move(21, 22)
    broker.away = False
    repair = court.process.repair("tests")
    assert not await repair.publish_overdue()
    await court.age(timedelta(seconds=3))
    assert await repair.publish_overdue()
    assert court.ears.places == [21, 22] and await court.unpublished() == 0
    assert not await repair.publish_overdue()


async def test_the_repair_repeats_nothing_that_is_out(court: Court):
    await court.move(31)
    async with court.process.runtime.sessions.begin() as db:
        fact_id = await db.scalar(select(func.max(FactRow.id)))
        await db.merge(
            UnpublishedRow(fact_id=fact_id, since=court.process.runtime.clock() - timedelta(seconds=3))
        )
    await court.process.repair("tests").publish_overdue()
    assert court.ears.places == [31]


async def test_one_process_repairs_at_a_time(court: Court):
    await court.move(13)
    await court.age(timedelta(seconds=3))
    await court.process.repair("one").publish_overdue()
    SHOWN.clear()
    assert not await court.process.repair("other").publish_overdue() and SHOWN == []


async def test_a_fact_that_shows_nowhere_is_given_up_in_the_end(court: Court):
    await court.move(13)
    await court.age(timedelta(seconds=3))
    repair = court.process.repair("tests")
    assert not await repair.publish_overdue() and await court.unpublished() == 1
    async with court.process.runtime.sessions.begin() as db:
        await db.execute(update(FactRow).values(at=FactRow.at - timedelta(minutes=11)))
    assert await repair.publish_overdue() and await court.unpublished() == 0
