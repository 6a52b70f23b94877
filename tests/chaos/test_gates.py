"""Whatever is killed with -9 and whenever, the log is the union of the gates' journals, each event once.

`FAULTS` names every fault the log has to survive and the tests that play it: small worlds each, with one fault. The
world here is larger, and has most of what can be killed killed.

Proves: gatehouse/crash.py, gate_bridge/ingest.py, gate_bridge/intake.py, simulators/crash.py,
domain/access/operations/recording.py, domain/access/operations/journals.py, domain/access/operations/passages.py.
"""

import ast
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

HERE = Path(__file__).parent
FAULTS = {
    "1 broker killed": "test_gates_server.py::test_a_killed_broker_that_forgets_everything_costs_nothing",
    "2 ingestion killed anywhere": "test_gates_server.py::test_an_ingestion_killed_anywhere_costs_nothing",
    "3 ingestion stopped, a standby takes over": "test_gates_server.py"
    "::test_a_stopped_ingestion_is_replaced_and_does_no_harm_when_it_wakes",
    "4 database restarted in mid-batch": "test_gates_server.py"
    "::test_a_database_killed_in_the_middle_of_a_batch_costs_nothing",
    "4 database failed over in mid-batch": "test_gates_server.py"
    "::test_a_replica_takes_over_in_the_middle_of_a_batch_and_has_everything",
    "5 Redis flushed and down": "test_gates_screens.py"
    "::test_a_redis_that_is_emptied_and_killed_hides_nothing_of_the_log",
    "6 power cut in mid-append": "test_gates_devices.py"
    "::test_gates_that_lose_power_in_the_middle_of_a_write_lose_no_event_and_double_none",
    "7 gate cut off for 24 hours": "test_gates_devices.py"
    "::test_a_gate_that_was_away_for_a_day_brings_the_whole_day",
    "8 half-open TCP": "test_gates_devices.py::test_a_link_that_is_dead_and_does_not_say_so_is_replaced",
    "9 queue of the broker overflows": "test_gates_server.py"
    "::test_a_broker_whose_queue_overflows_loses_nothing_that_gates_have",
    "10 duplicate client id": "test_gates_devices.py"
    "::test_two_devices_of_one_account_throw_each_other_out_and_nothing_is_lost",
    "11 cloned gate": "test_gates_devices.py"
    "::test_a_cloned_gate_is_noticed_and_changes_nothing_that_was_recorded",
    "12 factory reset": "test_gates_devices.py"
    "::test_a_gate_set_back_to_the_factory_begins_a_journal_that_says_so",
    "13 clocks wrong by a year and an hour": "test_gates_devices.py"
    "::test_clocks_that_are_wrong_by_a_year_or_an_hour_are_noticed_and_set_right",
    "14 poison": "test_gates_trust.py::test_poison_of_every_kind_is_kept_apart_and_stops_nobody",
    "15 disk full": "test_gates_server.py::test_a_full_disk_of_the_database_costs_nothing_once_there_is_room",
    "16 slow browser": "test_gates_screens.py"
    "::test_a_browser_that_does_not_read_is_sent_away_and_nobody_waits_for_it",
    "17 account revoked in mid-session": "test_gates_trust.py"
    "::test_an_account_disabled_while_connected_is_out_at_once_and_its_journal_comes_later",
    "18 late will": "test_gates_trust.py::test_a_will_that_comes_after_the_rebirth_is_not_believed",
    "19 stale command": "test_gates_trust.py::test_a_command_that_comes_an_hour_late_is_never_obeyed",
    "20 the same pass at two gates offline": "test_gates_trust.py"
    "::test_a_pass_let_in_at_two_gates_that_were_alone_is_found_and_told",
}
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


def test_every_fault_of_the_list_has_its_test():
    numbers = {int(fault.split()[0]) for fault in FAULTS}
    missing = [name for name in FAULTS.values() if name not in named_in(name.partition("::")[0])]

    assert numbers == set(range(1, 21))
    assert not missing


def named_in(file: str) -> set[str]:
    """The names of the tests that kill something, in a file beside this one."""
    tree = ast.parse((HERE / file).read_text())
    marked = any(isinstance(node, ast.Assign) and "mark.crash" in ast.unparse(node) for node in tree.body)
    found = {node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)}
    return {f"{file}::{name}" for name in found if marked}


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
