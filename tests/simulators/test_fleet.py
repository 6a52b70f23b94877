"""A fleet runs what its file says, shows passes on demand, and loses nothing when its power is cut."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulators.control import NoFleet, NotPresented, present
from simulators.fleet import Fleet, present_alone
from simulators.journal import Journal
from simulators.plan import FleetPlan, GatePlan, Person, PlanUnreadable, Scenario, Zone
from simulators.running import run_fleet
from tests.eventually import eventually
from tests.gate_server import gate_server
from tests.passes import PUBLIC_KEYS, a_pass
from tests.private_broker import PrivateBroker


def gate(gate_id: int, **changes: Any) -> GatePlan:
    zone = Zone(zone_id=3, ordinal=0)
    return GatePlan(gate_id=gate_id, site_id=1, password="", to_zone=zone, walk_s=0, **changes)


def written(folder: Path, broker: PrivateBroker, *gates: GatePlan, **changes: Any) -> Path:
    """The path of a fleet file, replaced whole."""
    plan = FleetPlan(broker=broker.url, gates=gates, public_keys=PUBLIC_KEYS, keep_journals=True, **changes)
    path, draft = folder / "fleet.json", folder / "fleet.json.new"
    draft.write_bytes(msgspec.json.encode(plan))
    draft.rename(path)
    return path


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[Fleet]:
    fleet = Fleet(path)
    async with asyncio.TaskGroup() as group:
        life = group.create_task(fleet.run())
        try:
            for plan in fleet.plan.gates:
                await eventually(partial(is_up, fleet, plan.gate_id))
            yield fleet
        finally:
            life.cancel()


def is_up(fleet: Fleet, gate_id: int) -> bool:
    found = fleet.gate(gate_id)
    return found is not None and found.connected


async def test_a_running_gate_is_shown_a_pass_through_the_door(broker: PrivateBroker, tmp_path: Path):
    path = written(tmp_path, broker, gate(1), gate(2))
    async with gate_server(broker.url) as server, running(path):
        answer = await present(tmp_path / "fleet.sock", 2, a_pass())
        await eventually(lambda: server.kinds(2) == ["boot", "decision", "passage"])

        assert (answer.gate_id, answer.verdict, answer.passed) == (2, "admit", True)
        with pytest.raises(NotPresented, match="the fleet has no gate 9; it has 1, 2"):
            await present(tmp_path / "fleet.sock", 9, a_pass())


async def test_a_changed_file_changes_only_what_changed(broker: PrivateBroker, tmp_path: Path):
    async with (
        gate_server(broker.url) as server,
        running(written(tmp_path, broker, gate(1), gate(2))) as fleet,
    ):
        kept = fleet.gate(1)

        written(tmp_path, broker, gate(1), gate(3))
        await eventually(lambda: is_up(fleet, 3) and fleet.gate(2) is None)

        assert fleet.gate(1) is kept
        assert server.kinds(1) == ["boot"]


async def test_a_broken_file_changes_nothing(
    broker: PrivateBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async with running(written(tmp_path, broker, gate(1))) as fleet:
        (tmp_path / "fleet.json").write_text("{")
        await eventually(lambda: "the fleet goes on as before" in caplog.text)

        assert is_up(fleet, 1)


async def test_a_fleet_without_a_file_does_not_start(tmp_path: Path):
    with pytest.raises(PlanUnreadable):
        await run_fleet(tmp_path / "fleet.json")


async def test_the_day_goes_on_by_itself(broker: PrivateBroker, tmp_path: Path):
    people = tuple(Person(token=a_pass(number), gates=(1,)) for number in range(1, 6))
    path = written(tmp_path, broker, gate(1), people=people, scenario=Scenario(speed=30_000, alarms=1))
    async with gate_server(broker.url) as server, running(path):
        await eventually(lambda: server.kinds().count("passage") >= 10 and "alarm_off" in server.kinds(), 20)


async def test_without_a_fleet_one_becomes_the_gate(broker: PrivateBroker, tmp_path: Path):
    path = written(tmp_path, broker, gate(1))
    async with gate_server(broker.url) as server:
        with pytest.raises(NoFleet):
            await present(tmp_path / "fleet.sock", 1, a_pass())

        answer = await present_alone(path, 1, a_pass())

        assert answer.passed
        assert server.kinds() == ["boot", "decision", "passage"]
        with pytest.raises(NotPresented, match="has no gate 4"):
            await present_alone(path, 4, a_pass())


async def test_nobody_becomes_a_gate_that_runs(broker: PrivateBroker, tmp_path: Path):
    path = written(tmp_path, broker, gate(1))
    async with running(path):
        with pytest.raises(NotPresented, match="run by another process"):
            await present_alone(path, 1, a_pass())


@pytest.mark.crash
@pytest.mark.parametrize(
    "point",
    [
        "mid_append:9",
        "after_append:9",
        "before_publish:9",
        "after_publish:9",
        "before_forget:5",
        "after_forget:5",
    ],
)
async def test_a_gate_that_loses_power_anywhere_loses_no_event_and_doubles_none(
    broker: PrivateBroker, tmp_path: Path, point: str
):
    people = tuple(Person(token=a_pass(number), gates=(1,)) for number in range(1, 30))
    day = Scenario(speed=20_000)
    path = written(tmp_path, broker, gate(1), people=people, scenario=day)
    async with gate_server(broker.url) as server:
        with (tmp_path / "log").open("wb") as log:
            cut = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "simulators", str(path),
                env=os.environ | {"GATEHOUSE_CRASH_AT": point}, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        assert await asyncio.wait_for(cut.wait(), 30) == -signal.SIGKILL

        written(tmp_path, broker, gate(1))
        async with running(path) as fleet:
            back = fleet.gate(1)
            assert back is not None
            await back.wait_drained(20)

    journal = Journal.open(tmp_path / "journals" / "1-1.journal")
    expected = {(1, event.epoch, event.seq): event for event in journal.all()}
    assert len(expected) == journal.last_seq > 5
    assert server.rows == expected
