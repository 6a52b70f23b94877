"""What waits is seen in the metrics."""

import asyncio

from channels.memory import MemoryBroker
from domain.catalogue import CATALOGUE
from domain.kernel import database as databases
from domain.kernel.context import Deferred
from domain.kernel.queue import enqueue
from gatehouse.measuring import measure
from server.process import compose
from tests.eventually import eventually
from tests.house import House


async def test_waiting_jobs_are_counted(database: str) -> None:
    engine = databases.connect(database)
    tools = House(contexts=[], engine=engine).tools
    process = compose(catalogue=CATALOGUE, engine=engine, broker=MemoryBroker(), tools=tools, enqueue=enqueue)
    async with process.runtime.sessions.begin() as db:
        await enqueue(db, [Deferred("notifications.send_mail", {"notification_id": 1})] * 3)
    measuring = asyncio.create_task(measure(process))
    await eventually(lambda: b"gatehouse_jobs_due 3.0" in process.metrics.page())
    assert b"gatehouse_jobs_parked 0.0" in process.metrics.page()
    measuring.cancel()
    await asyncio.wait([measuring])
    await engine.dispose()
