"""Many gates in one process, as a fleet file tells; the file is read again whenever it changes."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from domain.access.rules import token as passes
from domain.access.rules.credentials import Method
from domain.access.rules.facts import Direction
from simulators.control import NotPresented, Request, door
from simulators.crash import NOWHERE, CrashPoint
from simulators.journal import Journal, JournalInUse
from simulators.plan import FleetPlan, GatePlan, PlanUnreadable, load
from simulators.presented import Presented
from simulators.scenario import live
from simulators.turnstile import Turnstile

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
TRY_AGAIN_AFTER_S = 2.0
SETTLE_S = 5.0


class Fleet:
    """The gates of one file; `run` it until cancelled."""

    def __init__(self, path: Path, *, crash: CrashPoint = NOWHERE) -> None:
        self._path = path
        self._crash = crash
        self._plan = load(path)
        self._stamp = _stamp(path)
        self._gates: dict[int, Turnstile] = {}

    @property
    def plan(self) -> FleetPlan:
        """The file as last read."""
        return self._plan

    def gate(self, gate_id: int) -> Turnstile | None:
        """Returns the running gate of that id."""
        return self._gates.get(gate_id)

    async def run(self) -> None:
        """Runs gates, door and day; of a changed file only what changed starts anew."""
        async with door(self._path.parent / self._plan.control, self._present), asyncio.TaskGroup() as group:
            running: dict[bytes, asyncio.Task[None]] = {}
            while True:
                wanted = self._wanted()
                ended = [running.pop(name) for name in running.keys() - wanted.keys()]
                for task in ended:
                    task.cancel()
                if ended:
                    await asyncio.wait(ended)
                for name, start in wanted.items():
                    if name not in running:
                        running[name] = group.create_task(start())
                await self._changed()
                logger.info("the fleet file changed: %d gates", len(self._plan.gates))

    def _wanted(self) -> dict[bytes, Callable[[], Coroutine[Any, Any, None]]]:
        """Returns what is to run, each under a name that tells all it depends on."""
        plan = self._plan
        common = replace(plan, gates=(), people=(), scenario=None)
        wanted: dict[bytes, Callable[[], Coroutine[Any, Any, None]]] = {
            msgspec.json.encode((gate, common)): partial(self._gate, gate) for gate in plan.gates
        }
        if plan.scenario is not None:
            wanted[msgspec.json.encode((plan.scenario, plan.people, plan.gates))] = self._day
        return wanted

    async def _changed(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                continue
            self._stamp = stamp
            try:
                self._plan = load(self._path)
            except PlanUnreadable as error:
                logger.warning("the fleet goes on as before: %s", error)
            else:
                return

    async def _gate(self, plan: GatePlan) -> None:
        while True:
            try:
                gate = open_gate(self._path, self._plan, plan, crash=self._crash)
            except (JournalInUse, OSError) as error:
                logger.warning("gate %d waits: %s", plan.gate_id, error)
                await asyncio.sleep(TRY_AGAIN_AFTER_S)
                continue
            self._gates[plan.gate_id] = gate
            try:
                await gate.run()
            except* (sqlite3.Error, OSError):
                logger.exception("gate %d fell over and starts again", plan.gate_id)
            finally:
                self._gates.pop(plan.gate_id, None)
            await asyncio.sleep(TRY_AGAIN_AFTER_S)

    async def _day(self) -> None:
        plan = self._plan
        if plan.scenario is None:
            return

        async def show(gate_id: int, token: str, direction: Direction) -> Presented:
            return await self._present(Request(gate_id=gate_id, token=token, direction=direction))

        # Gates work without a link too; this only spares the first people the offline way.
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                for gate in list(self._gates.values()):
                    await gate.wait_connected(SETTLE_S)
        await live(plan.scenario, plan.people, plan.gates, show, self._alarm)

    def _alarm(self, gate_id: int, on: bool) -> None:
        gate = self._gates.get(gate_id)
        if gate is not None:
            gate.alarm("held_open", on=on)

    async def _present(self, request: Request) -> Presented:
        gate = self._gates.get(request.gate_id)
        if gate is None:
            known = ", ".join(str(gate_id) for gate_id in sorted(self._gates)) or "none"
            raise NotPresented(f"the fleet has no gate {request.gate_id}; it has {known}")
        try:
            return await gate.present(
                request.token, request.direction, method=request.method, walk=request.walk
            )
        except sqlite3.ProgrammingError as error:
            raise NotPresented(f"gate {request.gate_id} was stopped meanwhile") from error


async def run_fleet(path: Path, *, crash_at: str = "") -> None:
    """Runs the fleet of a file until cancelled.

    Raises:
        PlanUnreadable: the file does not tell of a fleet (later changes are only logged).
    """
    await Fleet(path, crash=CrashPoint(crash_at)).run()


async def present_alone(
    path: Path, gate_id: int, token: str, direction: Direction = "in", *, method: Method = "qr"
) -> Presented:
    """Becomes the gate itself where no fleet runs: connects, shows the pass, and waits until it is told.

    Raises:
        PlanUnreadable: the file does not tell of a fleet.
        NotPresented: it has no such gate, or another process is that gate.
    """
    fleet = load(path)
    plan = fleet.gate(gate_id)
    if plan is None:
        raise NotPresented(f"{path} has no gate {gate_id}")
    try:
        gate = open_gate(path, fleet, plan)
    except JournalInUse as error:
        raise NotPresented(f"gate {gate_id} is run by another process: {error}") from error
    async with asyncio.TaskGroup() as group:
        life = group.create_task(gate.run())
        with suppress(TimeoutError):
            await gate.wait_connected(SETTLE_S)
        presented = await gate.present(token, direction, method=method)
        # What is not acknowledged by then stays in the journal for the next run.
        with suppress(TimeoutError):
            await gate.wait_drained(SETTLE_S)
        life.cancel()
    return presented


def open_gate(path: Path, fleet: FleetPlan, plan: GatePlan, *, crash: CrashPoint = NOWHERE) -> Turnstile:
    """Returns a gate of the fleet with its journal open."""
    keys = {int(key_id): passes.public_key(text) for key_id, text in fleet.public_keys.items()}
    folder = path.parent / fleet.journals
    journal = Journal.open(
        folder / f"{plan.site_id}-{plan.gate_id}.journal", keep=fleet.keep_journals, crash=crash
    )
    return Turnstile(plan, journal, broker=fleet.broker, keys=keys, ca_file=fleet.ca_file, crash=crash)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size
