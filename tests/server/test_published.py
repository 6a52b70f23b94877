"""What is out is noted in batches, and what is not noted in the end does no harm."""

import asyncio

from sqlalchemy import select

from domain.kernel.database import connect, sessions
from domain.kernel.log import UnpublishedRow
from server.published import WAITING, Published
from tests.court import Court
from tests.eventually import eventually


async def test_what_is_noted_when_the_process_ends_is_still_written(court: Court):
    makers = court.process.runtime.sessions
    async with makers.begin() as db:
        db.add_all(UnpublishedRow(fact_id=n, since=court.process.runtime.clock()) for n in range(5))
    published = Published(makers)
    running = asyncio.create_task(published.run())
    published.note([0])
    await eventually(lambda: _left(court, {1, 2, 3, 4}))
    published.note([1, 2])
    published.note([4])
    running.cancel()
    await asyncio.wait([running])
    assert await _left(court, {3})


async def test_more_than_there_is_room_for_is_forgotten():
    published = Published(sessions(connect("postgresql+asyncpg://nobody@127.0.0.1:1/none")))
    published.note(range(WAITING + 5))


async def test_a_database_that_is_away_ends_nothing():
    published = Published(sessions(connect("postgresql+asyncpg://nobody@127.0.0.1:1/none")))
    running = asyncio.create_task(published.run())
    published.note([1])
    await asyncio.wait([running], timeout=0.2)
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])


async def _left(court: Court, wanted: set[int]) -> bool:
    async with court.process.runtime.readers() as db:
        return set(await db.scalars(select(UnpublishedRow.fact_id))) == wanted
