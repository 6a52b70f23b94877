"""Two of a role stand ready and one works: a stopped or killed one is replaced, and nothing is lost.

Proves: gatehouse/gates.py, gatehouse/ingestion.py, gatehouse/rounds.py
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from gatehouse.embedded.child import Child
from gatehouse.embedded.postgres import Postgres
from tests.chaos.proof import differences
from tests.chaos.visitors import drained, keep_alive, walk
from tests.chaos.world import World, world
from tests.eventually import eventually

GATES = 4
EVENTS = 100
"""At least so many of each gate."""


@pytest.mark.crash
async def test_a_stopped_or_killed_ingestion_is_replaced_and_nothing_is_lost_or_doubled(
    own_folder: Path, own_postgres: Postgres
):
    async with world(own_folder, own_postgres.url, gates=GATES) as made:
        for _ in range(2):
            await made.gatehouse("decide")
        first = await made.gatehouse("ingest")
        async with busy_gates(made):
            await made.goes_on()
            held = await _generation(made)

            second = await made.gatehouse("ingest")
            psutil.Process(first.pid).suspend()
            await made.goes_on()
            assert await _generation(made) == held + 1

            psutil.Process(first.pid).resume()
            await made.goes_on()
            assert await _generation(made) == held + 1

            await _kill(second)
            await made.goes_on()
            assert await _generation(made) == held + 2
        assert await first.stop() == 0
        assert await differences(made) == []


@pytest.mark.crash
async def test_of_two_shards_each_process_takes_one_and_whoever_is_left_takes_both(
    own_folder: Path, own_postgres: Postgres
):
    async with world(own_folder, own_postgres.url, gates=2, sites=2) as made:
        await made.gatehouse("decide")
        first, second = await made.gatehouse("ingest"), await made.gatehouse("ingest")
        async with busy_gates(made):
            await made.goes_on()
            await made.move_site(made.fleets[-1].gate.site_id, 1)
            await eventually(partial(_holders, made, 2), timeout_s=20)
            await eventually(partial(_all_followed, made), timeout_s=10)
            await made.goes_on(20, made.fleets[0].gate.site_id)
            await made.goes_on(20, made.fleets[-1].gate.site_id)

            await _kill(second)
            await eventually(partial(_holders, made, 1), timeout_s=20)
            await made.goes_on(20, made.fleets[0].gate.site_id)
            await made.goes_on(20, made.fleets[-1].gate.site_id)

            await made.gatehouse("ingest")
            psutil.Process(first.pid).suspend()
            await made.goes_on(20, made.fleets[0].gate.site_id)
            await made.goes_on(20, made.fleets[-1].gate.site_id)
            psutil.Process(first.pid).resume()
            await made.move_site(made.fleets[-1].gate.site_id, 0)
            await eventually(partial(_all_followed, made), timeout_s=20)
            await made.goes_on(20, made.fleets[-1].gate.site_id)
        assert await differences(made) == []


@asynccontextmanager
async def busy_gates(made: World) -> AsyncIterator[None]:
    """Have people walk while the block lasts; then all has been said, and the gates have ended."""
    async with asyncio.TaskGroup() as tasks:
        keeping = [tasks.create_task(keep_alive(made, fleet, "")) for fleet in made.fleets]
        over = asyncio.Event()
        walking = [tasks.create_task(walk(fleet, partial(_enough, over))) for fleet in made.fleets]
        yield
        over.set()
        lengths = [await one for one in walking]
        await drained(made, lengths)
        for one in keeping:
            one.cancel()
        await made.stop_gates()


def _enough(over: asyncio.Event, length: int) -> bool:
    return over.is_set() and length >= EVENTS


async def _generation(made: World) -> int:
    return int((await made.ask("SELECT generation FROM leases WHERE role = 'ingest/0'"))[0][0])


async def _holders(made: World, count: int) -> bool:
    """Tell whether both shards are held, by so many processes."""
    held = "SELECT holder FROM leases WHERE role LIKE 'ingest/%' AND expires_at > clock_timestamp()"
    holders = [row[0] for row in await made.ask(held)]
    return len(holders) == 2 and len(set(holders)) == count


async def _all_followed(made: World) -> bool:
    return not await made.ask("SELECT FROM sites WHERE shard <> followed")


async def _kill(child: Child) -> None:
    child.kill()
    await child.wait()


@pytest.mark.crash
async def test_a_killed_decider_is_replaced_and_gates_are_answered_again(
    own_folder: Path, own_postgres: Postgres
):
    async with world(own_folder, own_postgres.url, gates=1) as made:
        await made.gatehouse("ingest")
        first = await made.gatehouse("decide")
        async with busy_gates(made):
            await eventually(partial(_answered, made, 5), timeout_s=30)
            await made.gatehouse("decide")
            await _kill(first)
            answered = await _decisions(made)
            await eventually(partial(_answered, made, answered + 20), timeout_s=30)
        assert await differences(made) == []


async def _answered(made: World, count: int) -> bool:
    return await _decisions(made) >= count


async def _decisions(made: World) -> int:
    return int((await made.ask("SELECT count(*) FROM decisions"))[0][0])
