"""Plays what the plan says goes wrong, at the gates of one process."""

import asyncio
import logging
import sqlite3
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from gate_bridge import wire
from simulators import faults
from simulators.control import NotPresented
from simulators.crowd import crowd
from simulators.faults import Act, Fault
from simulators.journal import JournalInUse
from simulators.mount import Mount
from simulators.plan import FleetPlan
from simulators.poison import poison
from simulators.turnstile import Turnstile
from simulators.visitor import Show

logger = logging.getLogger(__name__)


class Trouble:
    """`play` it once; it ends when all is over. Cancelled, it ends what lasts: clocks are set right, wires mended."""

    def __init__(self, plan: FleetPlan, mounts: Mapping[int, Mount], show: Show) -> None:
        self._plan = plan
        self._mounts = mounts
        self._show = show
        self._lasting: dict[tuple[int, int], asyncio.Task[None]] = {}
        self._begun: dict[tuple[int, int], Act] = {}

    async def play(self, since_s: float = 0.0) -> None:
        """Plays the script from a second of it on; what began before and lasts is not begun again."""
        loop = asyncio.get_running_loop()
        began = loop.time() - since_s / self._plan.speed
        try:
            async with asyncio.TaskGroup() as group:
                for act in faults.schedule(self._plan.faults, self._mounts.keys()):
                    if act.at_s >= since_s:
                        await asyncio.sleep(began + act.at_s / self._plan.speed - loop.time())
                        self._do(group, act)
        finally:
            for act in list(self._begun.values()):
                self._end(act)

    def _do(self, group: asyncio.TaskGroup, act: Act) -> None:
        mount, fault = self._mounts.get(act.gate_id), self._plan.faults[act.fault]
        if act.doing == "end":
            self._end(act)
        elif mount is None or mount.gate is None:
            logger.info("gate %d is dark and spared: %s", act.gate_id, type(fault).__name__)
        else:
            logger.info("gate %d meets %s", act.gate_id, type(fault).__name__)
            self._begun[act.fault, act.gate_id] = act
            with _borne(act.gate_id):
                self._strike(mount, mount.gate, fault)
            if (lasting := self._lasts(mount, fault)) is not None:
                self._lasting[act.fault, act.gate_id] = group.create_task(_alone(act.gate_id, lasting))

    def _strike(self, mount: Mount, gate: Turnstile, fault: Fault) -> None:
        """Do what happens in a moment."""
        match fault:
            case faults.PowerCut(of="gate"):
                mount.lose_power(fault.dark_s / self._plan.speed)
            case faults.FactoryReset():
                mount.reset()
            case faults.Offline():
                mount.clock.live_through(fault.lasts_s, self._plan.speed)
                mount.cut()
            case faults.WrongClock():
                mount.clock.step(fault.by_s)
            case faults.Flapping():
                mount.cut()
                mount.mend()
            case faults.DoubleUse():
                mount.cut()
            case faults.HalfOpen():
                mount.deaden()
            case faults.Poison():
                for _, leg, payload in poison():
                    gate.say(leg, payload)
            case faults.LateWill():
                death = wire.Death(epoch=gate.journal.epoch, session=gate.journal.session - 1)
                gate.say("up/state", wire.encode(death), retained=True)
            case faults.StaleCommand() if gate.last_command is not None:
                gate.heard(gate.last_command)
            case _:
                pass

    def _lasts(self, mount: Mount, fault: Fault) -> Coroutine[Any, Any, None] | None:
        """Return what goes on for a while."""
        gate_id, speed = mount.plan.gate_id, self._plan.speed
        match fault:
            case faults.DuplicateId():
                return mount.duplicate()
            case faults.Clone():
                life_s = fault.lasts_s / fault.starts / speed
                return mount.clone(fault.starts, life_s, age_s=fault.age_s / speed)
            case faults.Crowd():
                tokens = [person.token for person in self._plan.people if person.gates[:1] == (gate_id,)]
                return crowd(fault, gate_id, tokens, self._show, speed=speed)
            case faults.DoubleUse():
                return self._shown(gate_id, fault.token)
            case _:
                return None

    def _end(self, act: Act) -> None:
        mount, fault = self._mounts.get(act.gate_id), self._plan.faults[act.fault]
        if self._begun.pop((act.fault, act.gate_id), None) is None or mount is None:
            return
        if task := self._lasting.pop((act.fault, act.gate_id), None):
            task.cancel()
        match fault:
            case faults.Offline():
                mount.clock.set_right()
                mount.mend()
            case faults.WrongClock():
                by_s = mount.clock.set_right()
                if mount.gate is not None:
                    with _borne(act.gate_id):
                        mount.gate.clock_stepped(by_s)
            case faults.DoubleUse():
                mount.mend()
            case _:
                pass

    async def _shown(self, gate_id: int, token: str) -> None:
        with suppress(NotPresented):
            await self._show(gate_id, token, "in")


async def _alone(gate_id: int, lasting: Coroutine[Any, Any, None]) -> None:
    with _borne(gate_id):
        await lasting


@contextmanager
def _borne(gate_id: int) -> Iterator[None]:
    """Keep to one gate what its disk does to it; the others go on."""
    try:
        yield
    except* (sqlite3.Error, OSError, JournalInUse):
        logger.exception("gate %d is out of order", gate_id)
