"""Whatever is killed with -9 and whenever, the log is the union of the gates' journals, each event once.

Proves: gatehouse/crash.py, gate_bridge/ingest.py, gate_bridge/intake.py, simulators/crash.py,
domain/access/operations/recording.py, domain/access/operations/journals.py, domain/access/operations/passages.py.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from gatehouse.crash import CrashPoint
from gatehouse.embedded.child import Child
from gatehouse.embedded.postgres import Postgres
from simulators.control import present
from tests.chaos.proof import differences
from tests.chaos.visitors import drained, keep_alive, walk
from tests.chaos.world import World, kill_broker, world
from tests.eventually import eventually

GATES = 20
EVENTS = 5_000
FEW, FEW_EVENTS = 3, 10
INGEST_DIES_AT = ("before_commit:6", "after_commit:5", "before_ack:4", "after_ack:6")
SOMETHING_ELSE_DIES_AT = (
    ("before_commit:4:STOP", "broker"),
    ("before_commit:5:STOP", "postgres"),
    ("after_commit:4:STOP", "postgres"),
    ("before_ack:3:STOP", "broker"),
)
GATES_DIE_AT = (
    *("mid_append:40", "after_append:60", "before_publish:50", "after_publish:70"),
    *("before_forget:10", "after_forget:20", "mid_append:90", "after_publish:20"),
)
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

Kill = Callable[[], Awaitable[None]]


@pytest.mark.crash
async def test_the_log_is_the_union_of_the_journals_whatever_is_killed(
    own_folder: Path, own_postgres: Postgres
):
    async with world(own_folder, own_postgres.url, gates=GATES) as made, asyncio.TaskGroup() as tasks:
        keeping = []
        await made.gatehouse("decide")
        for fleet, crash_at in zip(made.fleets, [*GATES_DIE_AT, *[""] * GATES], strict=False):
            keeping.append(tasks.create_task(keep_alive(made, fleet, crash_at)))
        over = asyncio.Event()
        walking = [tasks.create_task(walk(fleet, partial(_enough, over))) for fleet in made.fleets]
        kills: dict[str, Kill] = {
            "broker": partial(kill_broker, made.broker),
            "postgres": partial(_kill_postgres, own_postgres),
        }
        for where in INGEST_DIES_AT:
            await _ingest_dies(made, where)
        for where, victim in SOMETHING_ELSE_DIES_AT:
            await _dies_while_ingest_stands(made, where, kills[victim])
        ingest = await made.gatehouse("ingest")
        for kill in (kills["broker"], kills["postgres"]):
            await _goes_on(made)
            await kill()
        over.set()
        lengths = [await one for one in walking]
        await drained(made, lengths)
        for one in keeping:
            one.cancel()
        await _stop(made, ingest)

        assert await differences(made) == []
        assert sum(lengths) >= EVENTS


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
        await _ingest_dies(made, "after_commit:3")
        await made.gatehouse("ingest")
        over.set()

    assert "twice" in await what_differs(made)


@pytest.mark.crash
async def test_a_gate_that_takes_sending_for_arriving_would_lose_events(own_folder: Path, database: str):
    async with few_gates(own_folder, database, "tests.chaos.careless", "gate") as (made, over):
        child = await made.gatehouse("ingest")
        await _goes_on(made, by=20)
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
        await _goes_on(made, by=30)
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
        await _stop(made)


async def what_differs(made: World) -> set[str]:
    return {difference.partition(":")[0] for difference in await differences(made)}


@pytest.mark.parametrize("where", ["somewhere", "before_ack:often", "before_ack:1:GENTLY"])
def test_a_crash_point_that_does_not_exist_is_refused(where: str):
    with pytest.raises((ValueError, KeyError)):
        CrashPoint(where)


async def _walked_on(made: World) -> None:
    """Return when something more has happened at every gate."""
    shows = [present(fleet.door, fleet.gate.gate_id, fleet.tokens[0]) for fleet in made.fleets]
    await asyncio.gather(*shows)


def _enough(over: asyncio.Event, length: int) -> bool:
    return over.is_set() and length >= EVENTS // GATES


async def _ingest_dies(made: World, where: str) -> None:
    child = await made.gatehouse("ingest", crash_at=where)
    async with asyncio.timeout(30):
        assert await child.wait() == -signal.SIGKILL


async def _dies_while_ingest_stands(made: World, where: str, kill: Kill) -> None:
    """Kill something else at a named point of ingestion, see it recover, then kill ingestion at any moment."""
    child = await made.gatehouse("ingest", crash_at=where)
    await eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED, timeout_s=30)
    await kill()
    psutil.Process(child.pid).resume()
    await _goes_on(made)
    child.kill()
    await child.wait()


async def _goes_on(made: World, by: int = 100) -> None:
    before = await made.events()

    async def more() -> bool:
        return await made.events() >= before + by

    await eventually(more, timeout_s=30)


async def _kill_postgres(postgres: Postgres) -> None:
    postgres.kill()
    await postgres.wait()
    await postgres.restart()


async def _stop(made: World, *more: Child) -> None:
    for child in (*more, *(fleet.child for fleet in made.fleets if fleet.child)):
        assert await child.stop(10) == 0
