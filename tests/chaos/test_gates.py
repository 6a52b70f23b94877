"""Whatever is killed with -9 and whenever, the log is the union of the gates' journals, each event once.

Proves: gatehouse/crash.py, gate_bridge/ingest.py, gate_bridge/intake.py, simulators/crash.py,
domain/access/operations/recording.py, domain/access/operations/journals.py, domain/access/operations/passages.py.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from gatehouse.crash import CrashPoint
from gatehouse.embedded.postgres import Postgres
from tests.chaos.proof import differences
from tests.chaos.visitors import drained, keep_alive, walk
from tests.chaos.world import World, kill_broker, world
from tests.eventually import eventually

GATES = 20
EVENTS = 5_000
INGEST_DIES_AT = ("before_commit:6", "after_commit:5", "before_ack:4", "after_ack:6")
SOMETHING_ELSE_DIES_AT = (
    ("before_commit:4:STOP", "broker"),
    ("before_commit:5:STOP", "postgres"),
    ("after_commit:4:STOP", "postgres"),
    ("before_ack:3:STOP", "broker"),
)
GATES_DIE_AT = (
    *("mid_append:40", "after_append:60", "before_publish:50", "after_publish:70"),
    *("before_forget:3", "after_forget:4", "mid_append:90", "after_publish:20"),
)
GATES_THAT_LIVE = GATES - len(GATES_DIE_AT)
Kill = Callable[[], Awaitable[None]]


@pytest.mark.crash
async def test_the_log_is_the_union_of_the_journals_whatever_is_killed(
    own_folder: Path, own_postgres: Postgres
):
    async with world(own_folder, own_postgres.url, gates=GATES) as made, asyncio.TaskGroup() as tasks:
        keeping = list[asyncio.Task[None]]()
        await made.gatehouse("decide")
        for fleet, crash_at in zip(made.fleets, [*GATES_DIE_AT, *[""] * GATES_THAT_LIVE], strict=True):
            keeping.append(tasks.create_task(keep_alive(made, fleet, crash_at)))
        over = asyncio.Event()
        walking = [tasks.create_task(walk(fleet, partial(_enough, over))) for fleet in made.fleets]
        kills: dict[str, Kill] = {
            "broker": partial(kill_broker, made.broker),
            "postgres": partial(_kill_postgres, own_postgres),
        }
        for where in INGEST_DIES_AT:
            await made.ingest_dies(where)
        for where, victim in SOMETHING_ELSE_DIES_AT:
            await _dies_while_ingest_stands(made, where, kills[victim])
        ingest = await made.gatehouse("ingest")
        for kill in (kills["broker"], kills["postgres"]):
            await made.goes_on()
            await kill()
        over.set()
        lengths = [await one for one in walking]
        await drained(made, lengths)
        for one in keeping:
            one.cancel()
        await made.stop_gates()
        assert await ingest.stop() == 0

        assert await differences(made) == []
        assert sum(lengths) >= EVENTS
        assert [fleet.deaths for fleet in made.fleets] == [1] * len(GATES_DIE_AT) + [0] * GATES_THAT_LIVE


@pytest.mark.parametrize("where", ["somewhere", "before_ack:often", "before_ack:1:GENTLY"])
def test_a_crash_point_that_does_not_exist_is_refused(where: str):
    with pytest.raises((ValueError, KeyError)):
        CrashPoint(where)


def _enough(over: asyncio.Event, length: int) -> bool:
    return over.is_set() and length >= EVENTS // GATES


async def _dies_while_ingest_stands(made: World, where: str, kill: Kill) -> None:
    """Kill something else at a named point of ingestion, see it recover, then kill ingestion at any moment."""
    child = await made.gatehouse("ingest", crash_at=where)
    await eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED, timeout_s=90)
    await kill()
    psutil.Process(child.pid).resume()
    await made.goes_on()
    child.kill()
    await child.wait()


async def _kill_postgres(postgres: Postgres) -> None:
    postgres.kill()
    await postgres.wait()
    await postgres.restart()
