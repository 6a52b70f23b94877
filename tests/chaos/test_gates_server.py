"""Whatever falls on the server's side, the log is the union of the journals; see `test_gates.py` for the list."""

import asyncio
from pathlib import Path

import psutil
import pytest

from gatehouse.embedded import broker
from gatehouse.embedded.child import Child
from gatehouse.embedded.postgres import Postgres
from tests.chaos.at_work import at_work, ended
from tests.chaos.replica import point, promoted, replicated, url_through
from tests.chaos.tiny_disk import tiny_disk
from tests.chaos.world import kill_broker
from tests.eventually import eventually
from tests.services.postgres import started
from tests.services.schema import migrate

pytestmark = pytest.mark.crash


async def test_a_killed_broker_that_forgets_everything_costs_nothing(own_folder: Path, database: str):
    async with at_work(own_folder, database) as work:
        for _ in range(2):
            await work.made.goes_on(by=10)
            await kill_broker(work.made.broker)
        await work.made.goes_on(by=10)


@pytest.mark.parametrize("where", ["before_commit:3", "after_commit:3", "after_ack:3"])
async def test_an_ingestion_killed_anywhere_costs_nothing(own_folder: Path, database: str, where: str):
    async with at_work(own_folder, database, roles=()) as work:
        await work.made.ingest_dies(where)
        await work.made.gatehouse("ingest")
        await work.made.goes_on(by=20)


async def test_a_stopped_ingestion_is_replaced_and_does_no_harm_when_it_wakes(
    own_folder: Path, database: str
):
    async with at_work(own_folder, database, roles=()) as work:
        first = await work.made.gatehouse("ingest")
        await work.made.goes_on(by=10)
        second = await work.made.gatehouse("ingest")
        psutil.Process(first.pid).suspend()
        await work.made.goes_on(by=20)
        psutil.Process(first.pid).resume()
        await work.made.goes_on(by=20)
        await ended(second)
        await work.made.goes_on(by=10)


async def test_a_database_killed_in_the_middle_of_a_batch_costs_nothing(
    own_folder: Path, own_postgres: Postgres
):
    async with at_work(own_folder, own_postgres.url, roles=()) as work:
        ingest = await work.made.gatehouse("ingest", crash_at="before_commit:3:STOP")
        await stands(ingest)
        await killed(own_postgres)
        await own_postgres.restart()
        psutil.Process(ingest.pid).resume()
        await work.made.goes_on(by=20)


async def test_a_replica_takes_over_in_the_middle_of_a_batch_and_has_everything(
    own_folder: Path, own_postgres: Postgres
):
    where = own_folder / "database"
    async with replicated(own_postgres, own_folder / "replica") as replica:
        point(where, own_postgres)
        async with at_work(own_folder, url_through(where), roles=("decide",)) as work:
            ingest = await work.made.gatehouse("ingest", crash_at="after_commit:5:STOP")
            await stands(ingest)
            await killed(own_postgres)
            await promoted(replica)
            point(where, replica)
            psutil.Process(ingest.pid).resume()
            await work.made.goes_on(by=20)


async def test_a_broker_whose_queue_overflows_loses_nothing_that_gates_have(
    own_folder: Path, database: str, monkeypatch: pytest.MonkeyPatch
):
    short = broker.MOSQUITTO_CONF.replace("max_queued_messages 1000000", "max_queued_messages 5")
    monkeypatch.setattr(broker, "MOSQUITTO_CONF", short + "log_type notice\n")
    async with at_work(own_folder, database, roles=()) as work:
        ingest = await work.made.gatehouse("ingest")
        await work.made.goes_on(by=10)
        await ended(ingest)
        await work.walked(by=5)
        assert "being dropped" in work.made.broker.log.read_text()
        await work.made.gatehouse("ingest")
        await work.made.goes_on(by=20)


async def test_a_full_disk_of_the_database_costs_nothing_once_there_is_room(own_folder: Path):
    with tiny_disk(own_folder / "disk", megabytes=300) as disk:
        async with started(disk.folder / "pg") as postgres, asyncio.TaskGroup() as tasks:
            await migrate(postgres.url)
            keeping = tasks.create_task(postgres.keep())
            async with at_work(own_folder, postgres.url) as work:
                await work.made.goes_on(by=10)
                disk.fill()
                log = postgres.data / "log" / "postgres.log"
                await eventually(lambda: "No space left on device" in log.read_text(), timeout_s=60)
                disk.clear()
                await work.made.goes_on(by=20)
            keeping.cancel()


async def stands(child: Child) -> None:
    """Wait until a process has stopped itself at its crash point."""
    await eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED, timeout_s=60)


async def killed(postgres: Postgres) -> None:
    postgres.kill()
    await postgres.wait()
