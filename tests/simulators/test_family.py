"""A fleet over several processes: one door, one end, and nothing lost when a child is killed.

Proves: simulators/family.py, simulators/running.py
"""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from simulators.control import NotPresented, present, sound
from simulators.faults import PowerCut
from simulators.plan import Person, Scenario
from tests.eventually import eventually
from tests.gate_server import GateServer, gate_server
from tests.passes import a_pass
from tests.private_broker import PrivateBroker
from tests.simulators.test_fleet import gate, written

GATES = 6


@asynccontextmanager
async def family(
    broker: PrivateBroker, folder: Path, **changes: Any
) -> AsyncIterator[tuple[GateServer, Process]]:
    """The gates 1 to 6 in a parent and its children, until the block ends."""
    path = written(folder, broker, *map(gate, range(1, GATES + 1)), **changes)
    async with gate_server(broker.url) as server:
        with (folder / "log").open("wb") as log:
            parent = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "simulators", str(path), stdout=log, stderr=log, start_new_session=True
            )
        try:
            await eventually(lambda: all(server.kinds(number) for number in range(1, GATES + 1)), 30)
            yield server, parent
        finally:
            if parent.returncode is None:
                parent.terminate()
                await asyncio.wait_for(parent.wait(), 15)


def children(parent: Process) -> list[psutil.Process]:
    return list(psutil.Process(parent.pid).children())


async def test_one_door_finds_every_gate_whichever_process_has_it(broker: PrivateBroker, tmp_path: Path):
    async with family(broker, tmp_path, processes=2) as (server, parent):
        door = tmp_path / "fleet.sock"
        shown = [await present(door, number, a_pass(number)) for number in range(1, GATES + 1)]
        await sound(door, 3, "held_open", on=True)
        await eventually(lambda: "alarm_on" in server.kinds(3))

        assert [answer.gate_id for answer in shown if answer.passed] == list(range(1, GATES + 1))
        assert len(children(parent)) == 2
        assert {os.getpgid(child.pid) for child in children(parent)} == {os.getpgid(parent.pid)}
        with pytest.raises(NotPresented, match="no gate 9; it has 6 others"):
            await present(door, 9, a_pass())


async def test_the_door_passes_on_what_is_shown_and_how(broker: PrivateBroker, tmp_path: Path):
    async with family(broker, tmp_path, processes=2) as (server, _):
        await present(tmp_path / "fleet.sock", 3, "2580", "out", method="pin")

        assert [(scan.method, scan.token, scan.direction) for scan in server.scans] == [
            ("pin", "2580", "out")
        ]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_all_end_with_the_parent_within_seconds(
    broker: PrivateBroker, tmp_path: Path, ending: signal.Signals
):
    async with family(broker, tmp_path, processes=3) as (_, parent):
        those = children(parent)

        parent.send_signal(ending)

        assert await asyncio.wait_for(parent.wait(), 10) == 0
        assert not any(child.is_running() for child in those)
        assert not list(tmp_path.glob("fleet.sock*"))


async def test_a_child_dies_with_its_parent(broker: PrivateBroker, tmp_path: Path):
    async with family(broker, tmp_path, processes=2) as (_, parent):
        those = children(parent)

        parent.kill()
        await parent.wait()

        await eventually(lambda: not any(child.is_running() for child in those))


async def test_a_child_that_falls_over_comes_back_with_its_gates(broker: PrivateBroker, tmp_path: Path):
    async with family(broker, tmp_path, processes=2) as (server, parent):
        killed = children(parent)[0]

        killed.kill()

        await eventually(lambda: sum(len(server.kinds(n)) == 2 for n in range(1, GATES + 1)) > 0, 20)
        await eventually(lambda: len(children(parent)) == 2)


async def test_doors_left_over_from_a_killed_fleet_are_taken_away_and_mislead_nobody(
    broker: PrivateBroker, tmp_path: Path
):
    for number in (1, 2, 7):
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(tmp_path / f"fleet.sock.{number}"))
    (tmp_path / "fleet.sock.9").write_text("not a door")
    cut = PowerCut(at_s=0, of="process", dark_s=0.2)
    async with family(broker, tmp_path, processes=2, faults=(cut,)):
        assert (tmp_path / "log").read_text().count("ended with -9 and starts again") == 2
        assert {path.name for path in tmp_path.glob("fleet.sock.*")} == {f"fleet.sock.{n}" for n in (1, 2, 9)}


async def test_the_plan_cuts_the_power_of_the_process_that_has_a_gate(broker: PrivateBroker, tmp_path: Path):
    cut = PowerCut(at_s=3, of="process", dark_s=0.2, gates=(1,))
    async with family(broker, tmp_path, faults=(cut,)) as (server, parent):
        await eventually(lambda: server.kinds(1) == ["boot", "boot"], 30)

        assert len(children(parent)) == 1


async def test_the_day_is_lived_at_gates_of_every_process(broker: PrivateBroker, tmp_path: Path):
    people = tuple(Person(token=a_pass(n), gates=(n,)) for n in range(1, GATES + 1))
    day = Scenario(speed=30_000, alarms=2)
    async with family(broker, tmp_path, processes=2, people=people, scenario=day) as (server, _):
        await eventually(
            lambda: (
                all("passage" in server.kinds(n) for n in range(1, GATES + 1))
                and any("alarm_on" in server.kinds(n) for n in range(1, GATES + 1))
            ),
            30,
        )


async def test_a_fleet_that_grows_is_spread_anew(broker: PrivateBroker, tmp_path: Path):
    async with family(broker, tmp_path) as (server, parent):
        assert children(parent) == []

        written(tmp_path, broker, *map(gate, range(1, GATES + 1)), processes=2)
        await eventually(lambda: len(children(parent)) == 2, 20)
        await eventually(lambda: all(len(server.kinds(n)) == 2 for n in range(1, GATES + 1)), 20)
        written(tmp_path, broker, *map(gate, range(1, GATES + 1)))

        await eventually(lambda: children(parent) == [], 20)
        await eventually(lambda: all(len(server.kinds(n)) == 3 for n in range(1, GATES + 1)), 20)
