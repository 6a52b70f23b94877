"""A fleet too large for one process: a parent, and children that have a share of the gates each.

1. Children are of the parent's process group, and end with it: told by the end of their standard input, even where it
   was killed.
2. A child that falls over is started again; its gates lose nothing, for their journals are on disk.
3. There is one door, whichever child has the gate.
"""

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

from domain.access.rules.facts import Direction
from simulators import control
from simulators.control import NoFleet, NotPresented, Request, Sound, door
from simulators.crash import VARIABLE
from simulators.faults import process_cuts
from simulators.plan import FleetPlan
from simulators.planfile import PlanFile
from simulators.presented import Presented
from simulators.scenario import live
from simulators.share import Share

logger = logging.getLogger(__name__)

TRY_AGAIN_AFTER_S = 1.0
LOOK_EVERY_S = 0.1
ENDS_WITHIN_S = 8.0
"""A child that is not through with its gates' farewells by then is killed."""


class Family:
    """`run` it until cancelled, or until the file tells of a fleet that fits into one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = PlanFile(path)
        self._children: dict[Share, Process] = {}
        self._dark_s: dict[Share, float] = {}

    async def run(self) -> None:
        """Runs children, door, day and cuts of power; what a changed file says of single gates is the children's."""
        control_path = self._path.parent / self._file.plan.control
        async with door(control_path, self._present, self._sound):
            while not self._file.plan.fits_one_process:
                plan = self._file.plan
                control.sweep(control_path)
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self._keep(share)) for share in shares(plan)]
                    tasks.append(group.create_task(self._cuts(plan)))
                    if plan.scenario is not None:
                        tasks.append(group.create_task(self._day(plan)))
                    await self._until_another(plan)
                    for task in tasks:
                        task.cancel()

    async def _until_another(self, plan: FleetPlan) -> None:
        """Return when the file tells something that is the parent's affair."""
        while _own(self._file.plan) == _own(plan):
            await self._file.changed()

    async def _keep(self, share: Share) -> None:
        loop = asyncio.get_running_loop()
        began, environ, since_s = loop.time(), dict(os.environ), 0.0
        while True:
            child = self._children[share] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "simulators", str(self._path)),
                *("--share", str(share), "--since", str(since_s)),
                stdin=PIPE,
                env=environ,
            )
            try:
                code = await child.wait()
            finally:
                await _end(child)
            logger.warning("the process of the gates %s ended with %d and starts again", share, code)
            # A crash point is met once.
            environ.pop(VARIABLE, None)
            await asyncio.sleep(self._dark_s.pop(share, TRY_AGAIN_AFTER_S))
            since_s = (loop.time() - began) * self._file.plan.speed

    async def _cuts(self, plan: FleetPlan) -> None:
        """Kill processes where the plan says so, counted from when all are there."""
        loop = asyncio.get_running_loop()
        doors = [self._path.parent / share.door(plan.control) for share in shares(plan)]
        for path in doors:
            await _there(path)
        began = loop.time()
        for fault in sorted(process_cuts(plan.faults), key=lambda one: one.at_s):
            await asyncio.sleep(began + fault.at_s / plan.speed - loop.time())
            for share in shares(plan):
                if not fault.gates or any(map(share.holds, fault.gates)):
                    self._cut(share, fault.dark_s / plan.speed)

    def _cut(self, share: Share, dark_s: float) -> None:
        """Kill the process of a share, where there is one: it may be dark already, or not yet begun."""
        child = self._children.get(share)
        if child is not None and child.returncode is None:
            self._dark_s[share] = dark_s
            _kill(child)

    async def _day(self, plan: FleetPlan) -> None:
        sounding = asyncio.Queue[Sound](maxsize=len(plan.gates) or 1)

        async def show(gate_id: int, token: str, direction: Direction) -> Presented:
            return await self._present(Request(gate_id=gate_id, token=token, direction=direction))

        def alarm(gate_id: int, on: bool) -> None:
            # Full: more gates sound than there are, and one less is not missed.
            with suppress(asyncio.QueueFull):
                sounding.put_nowait(Sound(gate_id=gate_id, alarm="held_open", on=on))

        async with asyncio.TaskGroup() as group:
            passing_on = group.create_task(self._pass_on(sounding))
            if plan.scenario is not None:
                await live(plan.scenario, plan.people, plan.gates, show, alarm)
            passing_on.cancel()

    async def _pass_on(self, sounding: asyncio.Queue[Sound]) -> None:
        while True:
            with suppress(NotPresented):
                await self._sound(await sounding.get())

    async def _present(self, asked: Request) -> Presented:
        where = self._door_of(asked.gate_id)
        try:
            return await control.present(
                where, asked.gate_id, asked.token, asked.direction, method=asked.method, walk=asked.walk
            )
        except NoFleet as error:
            raise NotPresented(f"the process of gate {asked.gate_id} is down") from error

    async def _sound(self, asked: Sound) -> None:
        try:
            await control.sound(self._door_of(asked.gate_id), asked.gate_id, asked.alarm, on=asked.on)
        except NoFleet as error:
            raise NotPresented(f"the process of gate {asked.gate_id} is down") from error

    def _door_of(self, gate_id: int) -> Path:
        plan = self._file.plan
        if plan.gate(gate_id) is None:
            raise NotPresented(f"the fleet has no gate {gate_id}; it has {len(plan.gates)} others")
        share = next(one for one in shares(plan) if one.holds(gate_id))
        return self._path.parent / share.door(plan.control)


def shares(plan: FleetPlan) -> tuple[Share, ...]:
    """Returns the parts a fleet is spread over."""
    return tuple(Share(number, plan.spread) for number in range(1, plan.spread + 1))


def _own(plan: FleetPlan) -> object:
    """Return what of a plan is the parent's affair; children see to the rest."""
    day = (plan.scenario, plan.people, plan.gates) if plan.scenario else None
    return plan.spread, plan.control, process_cuts(plan.faults), plan.speed, day


async def _there(path: Path) -> None:
    while not path.exists():  # noqa: ASYNC110  # another process makes it
        await asyncio.sleep(LOOK_EVERY_S)


def _kill(child: Process) -> None:
    if child.returncode is None:
        # Not its own method, which may reap the child before whoever waits for it.
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)


async def _end(child: Process) -> None:
    if child.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            await child.wait()
    except TimeoutError:
        _kill(child)
        await child.wait()
