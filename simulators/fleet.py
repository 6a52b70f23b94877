"""Gates of one process, as a fleet file tells; the file is read again whenever it changes."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from domain.access.rules.credentials import Method
from domain.access.rules.facts import Direction
from simulators.control import NotPresented, Request, Sound, door
from simulators.crash import NOWHERE, CrashPoint
from simulators.faults import needs_cable
from simulators.journal import JournalInUse
from simulators.mount import AT_ONCE, Ground, Mount, open_gate
from simulators.plan import FleetPlan, GatePlan, load
from simulators.planfile import PlanFile
from simulators.presented import Presented
from simulators.scenario import live
from simulators.share import Share
from simulators.ticker import Ticker
from simulators.trouble import Trouble
from simulators.turnstile import Turnstile

logger = logging.getLogger(__name__)

SETTLE_S = 5.0
NAMED = 20

Work = Callable[[], Coroutine[Any, Any, None]]


class Fleet:
    """The gates of one file, or a share of them; `run` it until cancelled, or until they need more processes.

    `since_s` is how much of the faults' script is over already, where the gates' process was killed meanwhile.
    """

    def __init__(
        self, path: Path, *, share: Share | None = None, since_s: float = 0.0, crash: CrashPoint = NOWHERE
    ) -> None:
        self._path = path
        self._share = share
        self._since_s = since_s
        self._file = PlanFile(path)
        self._ticker = Ticker()
        self._ground = Ground(path, self._ticker, asyncio.Semaphore(AT_ONCE), crash)
        self._mounts: dict[int, Mount] = {}

    @property
    def plan(self) -> FleetPlan:
        """The file as last read."""
        return self._file.plan

    def gate(self, gate_id: int) -> Turnstile | None:
        """Returns the running gate of that id."""
        mount = self._mounts.get(gate_id)
        return mount.gate if mount else None

    async def run(self) -> None:
        """Runs gates, door, faults and day; of a changed file only what changed starts anew."""
        control = self._share.door(self.plan.control) if self._share else self.plan.control
        async with (
            door(self._path.parent / control, self._present, self._sound),
            asyncio.TaskGroup() as group,
        ):
            ticking = group.create_task(self._ticker.run())
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
                await self._file.changed()
                logger.info("the fleet file changed: %d gates", len(self.plan.gates))
                if self._share is None and not self.plan.fits_one_process:
                    break
            for task in running.values():
                task.cancel()
            ticking.cancel()

    def _wanted(self) -> dict[bytes, Work]:
        """Returns what is to run, each under a name that tells all it depends on."""
        plan, encode = self.plan, msgspec.json.encode
        common = encode(replace(plan, gates=(), people=(), scenario=None, faults=(), processes=0, speed=1))
        gates = self._share.gates(plan.gates) if self._share else plan.gates
        wanted: dict[bytes, Work] = {
            common + encode((gate, needs_cable(plan.faults, gate.gate_id))): partial(self._gate, gate)
            for gate in gates
        }
        if plan.faults:
            wanted[encode((plan.faults, plan.speed, gates))] = self._trouble
        if plan.scenario is not None and self._share is None:
            wanted[encode((plan.scenario, plan.people, plan.gates))] = self._day
        return wanted

    async def _gate(self, plan: GatePlan) -> None:
        mount = self._mounts[plan.gate_id] = Mount(self._ground, self.plan, plan)
        try:
            await mount.run()
        finally:
            if self._mounts.get(plan.gate_id) is mount:
                del self._mounts[plan.gate_id]

    async def _trouble(self) -> None:
        since_s, self._since_s = self._since_s, 0.0
        await self._settled()
        await Trouble(self.plan, self._mounts, self._show).play(since_s)

    async def _day(self) -> None:
        plan = self.plan
        if plan.scenario is None:
            return

        def alarm(gate_id: int, on: bool) -> None:
            with suppress(NotPresented), _explained(gate_id):
                self._running(gate_id).alarm("held_open", on=on)

        await self._settled()
        await live(plan.scenario, plan.people, plan.gates, self._show, alarm)

    async def _settled(self) -> None:
        # Gates work without a link too; this only spares the first people the offline way.
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                for mount in list(self._mounts.values()):
                    await mount.up.wait()
                    if mount.gate is not None:
                        await mount.gate.wait_connected(SETTLE_S)

    async def _show(self, gate_id: int, token: str, direction: Direction) -> Presented:
        return await self._present(Request(gate_id=gate_id, token=token, direction=direction))

    async def _sound(self, asked: Sound) -> None:
        with _explained(asked.gate_id):
            self._running(asked.gate_id).alarm(asked.alarm, on=asked.on)

    async def _present(self, request: Request) -> Presented:
        gate = self._running(request.gate_id)
        with _explained(request.gate_id):
            return await gate.present(
                request.token, request.direction, method=request.method, walk=request.walk
            )

    def _running(self, gate_id: int) -> Turnstile:
        gate = self.gate(gate_id)
        if gate is None:
            known = sorted(other for other in self._mounts if self.gate(other))
            raise NotPresented(f"the fleet has no gate {gate_id}; it has {_named(known)}")
        return gate


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


@contextmanager
def _explained(gate_id: int) -> Iterator[None]:
    """Raise NotPresented where the journal of a gate fails."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        raise NotPresented(f"gate {gate_id} was stopped meanwhile") from error
    except sqlite3.Error as error:
        raise NotPresented(f"gate {gate_id} is out of order: {error}") from error


def _named(gate_ids: list[int]) -> str:
    more = f" and {len(gate_ids) - NAMED} more" if len(gate_ids) > NAMED else ""
    return ", ".join(str(gate_id) for gate_id in gate_ids[:NAMED]) + more or "none"
