"""Two of a role stand ready and one works: a stopped or killed one is replaced, and nothing is lost.

Proves: gatehouse/gates.py, gatehouse/rounds.py
"""

import asyncio
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
    async with world(own_folder, own_postgres.url, gates=GATES) as made, asyncio.TaskGroup() as tasks:
        for _ in range(2):
            await made.gatehouse("decide")
        first = await made.gatehouse("ingest")
        keeping = [tasks.create_task(keep_alive(made, fleet, "")) for fleet in made.fleets]
        over = asyncio.Event()
        walking = [tasks.create_task(walk(fleet, partial(_enough, over))) for fleet in made.fleets]
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

        over.set()
        lengths = [await one for one in walking]
        await drained(made, lengths)
        for one in keeping:
            one.cancel()
        await made.stop_gates()
        assert await first.stop() == 0
        assert await differences(made) == []


def _enough(over: asyncio.Event, length: int) -> bool:
    return over.is_set() and length >= EVENTS


async def _generation(made: World) -> int:
    return int((await made.ask("SELECT generation FROM leases WHERE role = 'ingest'"))[0][0])


async def _kill(child: Child) -> None:
    child.kill()
    await child.wait()


@pytest.mark.crash
async def test_a_killed_decider_is_replaced_and_gates_are_answered_again(
    own_folder: Path, own_postgres: Postgres
):
    async with world(own_folder, own_postgres.url, gates=1) as made, asyncio.TaskGroup() as tasks:
        await made.gatehouse("ingest")
        first = await made.gatehouse("decide")
        keeping = tasks.create_task(keep_alive(made, made.fleets[0], ""))
        over = asyncio.Event()
        walking = tasks.create_task(walk(made.fleets[0], partial(_enough, over)))
        await eventually(partial(_answered, made, 5), timeout_s=30)
        await made.gatehouse("decide")
        await _kill(first)
        answered = await _decisions(made)
        await eventually(partial(_answered, made, answered + 20), timeout_s=30)
        over.set()
        await walking
        keeping.cancel()
        await made.stop_gates()


async def _answered(made: World, count: int) -> bool:
    return await _decisions(made) >= count


async def _decisions(made: World) -> int:
    return int((await made.ask("SELECT count(*) FROM decisions"))[0][0])
