"""Each safeguard of the log is needed: with it switched off, what `proof.py` looks for is found to be wrong."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulators.control import present
from tests.chaos.proof import differences
from tests.chaos.visitors import drained, keep_alive, walk
from tests.chaos.world import World, kill_broker, world

FEW, FEW_EVENTS = 3, 10
DAMAGES = {
    "occupancy": "UPDATE zones SET inside = inside + 1",
    "entries": "UPDATE grants SET entered = entered + 1",
    "visits": "DELETE FROM visits WHERE id = (SELECT min(id) FROM visits)",
    "watermark": "UPDATE gate_epochs SET watermark = watermark - 1",
    "facts": "DELETE FROM facts WHERE id = (SELECT max(id) FROM facts WHERE name = 'access.recorded')",
    "hash": "UPDATE access_log SET hash = previous_hash",
    "quarantine": "INSERT INTO quarantine (received_at, topic, reason, payload) VALUES (now(), '', '', '')",
    "lost": "DELETE FROM access_log WHERE id = (SELECT max(id) FROM access_log)",
}


@pytest.mark.crash
async def test_an_ack_before_the_commit_would_lose_events(own_folder: Path, database: str):
    async with few_gates(own_folder, database) as (made, over):
        careless = "tests.chaos.careless"
        hasty = await made.python(careless, "ingest", crash_at="before_commit:4")
        assert await hasty.wait() == -signal.SIGKILL
        await made.python(careless, "ingest")
        over.set()

    assert "lost" in await what_differs(made)


@pytest.mark.crash
async def test_without_a_unique_key_a_redelivery_would_count_twice(own_folder: Path, database: str):
    async with few_gates(own_folder, database) as (made, over):
        await made.ask("ALTER TABLE access_keys DROP CONSTRAINT access_keys_pkey")
        await made.ingest_dies("after_commit:3")
        await made.gatehouse("ingest")
        over.set()

    assert "twice" in await what_differs(made)


@pytest.mark.crash
async def test_a_gate_that_takes_sending_for_arriving_would_lose_events(own_folder: Path, database: str):
    async with few_gates(own_folder, database, "tests.chaos.careless", "gate") as (made, over):
        child = await made.gatehouse("ingest")
        await made.goes_on(by=20)
        child.kill()
        await child.wait()
        await _walked_on(made)
        await kill_broker(made.broker)
        await made.gatehouse("ingest")
        over.set()

    assert "lost" in await what_differs(made)


@pytest.mark.crash
async def test_the_proof_notices_whatever_is_wrong(own_folder: Path, database: str):
    async with few_gates(own_folder, database) as (made, over):
        await made.gatehouse("ingest")
        await made.goes_on(by=30)
        over.set()
    assert await differences(made) == []

    for word, damage in DAMAGES.items():
        await made.ask(damage)
        assert word in await what_differs(made)


@asynccontextmanager
async def few_gates(folder: Path, database: str, *program: str) -> AsyncIterator[tuple[World, asyncio.Event]]:
    """A small world at work: when the block ends, all has been said, and the gates have ended."""
    async with world(folder, database, gates=FEW) as made, asyncio.TaskGroup() as tasks:
        over = asyncio.Event()
        keeping = [
            tasks.create_task(keep_alive(made, fleet, program=program or ("simulators",)))
            for fleet in made.fleets
        ]
        walking = [
            tasks.create_task(walk(fleet, lambda length: over.is_set() and length >= FEW_EVENTS))
            for fleet in made.fleets
        ]
        yield made, over
        await drained(made, [await one for one in walking])
        for one in keeping:
            one.cancel()
        await made.stop_gates()


async def what_differs(made: World) -> set[str]:
    return {difference.partition(":")[0] for difference in await differences(made)}


async def _walked_on(made: World) -> None:
    """Return when something more has happened at every gate."""
    shows = [present(fleet.door, fleet.gate.gate_id, fleet.tokens[0]) for fleet in made.fleets]
    await asyncio.gather(*shows)
