"""Where a gate stands: it is opened there, started again when it falls over, and met by what goes wrong."""

import asyncio
import logging
import random
import sqlite3
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from msgspec import Struct

from gate_bridge import wire
from simulators.cable import Cable
from simulators.clock import Clock
from simulators.crash import NOWHERE, CrashPoint
from simulators.faults import needs_cable
from simulators.journal import Journal, JournalInUse
from simulators.link import Link
from simulators.plan import FleetPlan, GatePlan
from simulators.ticker import Ticker
from simulators.turnstile import Turnstile

logger = logging.getLogger(__name__)

TRY_AGAIN_AFTER_S = 2.0
AT_ONCE = 25
"""So many gates of a process come up at the same time."""
JITTER_S = 0.1
ARRIVES_WITHIN_S = 1.0
"""A gate that has no link by then no longer keeps the next ones waiting."""


class Ground(Struct, frozen=True):
    """What the gates of a process share."""

    path: Path
    """The fleet file."""
    ticker: Ticker
    arriving: asyncio.Semaphore
    crash: CrashPoint = NOWHERE


class Mount:
    """One gate's place; `run` it in a task."""

    def __init__(self, ground: Ground, fleet: FleetPlan, plan: GatePlan) -> None:
        self._ground = ground
        self._fleet = fleet
        self.plan = plan
        self.gate: Turnstile | None = None
        self.cable: Cable | None = None
        self.clock = Clock()
        self.up = asyncio.Event()
        """Set once the gate has come up for the first time, with a link or without."""
        self._life: asyncio.Task[None] | None = None
        self._pause_s = TRY_AGAIN_AFTER_S
        self._lost = ""

    async def run(self) -> None:
        """Has the gate live, one life after the other, until cancelled."""
        async with AsyncExitStack() as stack:
            if needs_cable(self._fleet.faults, self.plan.gate_id):
                self.cable = await stack.enter_async_context(Cable(self._fleet.broker).laid())
            while True:
                try:
                    await self._live()
                except* (sqlite3.Error, OSError):
                    logger.exception("gate %d fell over and starts again", self.plan.gate_id)
                pause_s, self._pause_s = self._pause_s, TRY_AGAIN_AFTER_S
                await asyncio.sleep(pause_s)

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group, self._ground.arriving:
            await asyncio.sleep(random.uniform(0, JITTER_S))
            gate = self._open()
            if gate is None:
                return
            self._life = group.create_task(gate.run())
            self.gate = gate
            self._life.add_done_callback(self._over)
            with suppress(TimeoutError):
                await gate.wait_connected(ARRIVES_WITHIN_S)
            self.up.set()

    def _over(self, _: asyncio.Task[None]) -> None:
        self.gate = self._life = None

    def _open(self) -> Turnstile | None:
        try:
            gate = open_gate(
                self._ground.path,
                self._fleet,
                self.plan,
                broker=self._broker,
                clock=self.clock,
                ticker=self._ground.ticker,
                crash=self._ground.crash,
            )
        except (JournalInUse, OSError) as error:
            logger.warning("gate %d waits: %s", self.plan.gate_id, error)
            return None
        if self._lost:
            gate.journal_lost(self._lost)
            self._lost = ""
        return gate

    @property
    def _broker(self) -> str:
        return self.cable.url if self.cable else self._fleet.broker

    # What goes wrong

    def cut(self) -> None:
        """Ends the link without a word; there is none until it is mended."""
        if self.cable is not None:
            self.cable.cut()

    def mend(self) -> None:
        """Lets the gate find the broker again."""
        if self.cable is not None:
            self.cable.mend()

    def deaden(self) -> None:
        """Lets the link carry nothing any more, and tells nobody."""
        if self.cable is not None:
            self.cable.deaden()

    def lose_power(self, dark_s: float) -> None:
        """Ends the gate in the middle of a write, without a goodbye; it comes back after so long."""
        if (gate := self._switch_off()) is not None:
            self.cut()
            self.mend()
            self._pause_s = dark_s
            gate.journal.cut()

    def reset(self) -> None:
        """Takes the gate back to how it left the factory, its account aside."""
        if (gate := self._switch_off()) is not None:
            self._pause_s = 0.0
            gate.journal.close()
            journal = journal_file(self._ground.path, self._fleet, self.plan)
            old = journal.rename(journal.with_suffix(f".{gate.journal.epoch}"))
            if not self._fleet.keep_journals:
                old.unlink()
            self._lost = "reset"

    def _switch_off(self) -> Turnstile | None:
        """Begin the end of the gate's life and return it; from now on there is no gate, although its farewell lasts."""
        gate, self.gate = self.gate, None
        if self._life is not None:
            self._life.cancel()
        return gate

    async def duplicate(self) -> None:
        """Has a second device connect with the gate's account, until cancelled."""
        gate = self.gate
        if gate is None:
            return
        death = wire.Death(epoch=gate.journal.epoch, session=0)
        will = wire.topic(self.plan.site_id, self.plan.gate_id, "up/state"), wire.encode(death)
        await Link(
            gate.account, gate.follows, will=lambda: will, arrived=lambda: None, heard=lambda *_: None
        ).run()

    async def clone(self, lives: int, life_s: float, *, age_s: float) -> None:
        """Has a second gate go on from a copy of the journal, switched on so often and each time for so long."""
        copy = journal_file(self._ground.path, self._fleet, self.plan).with_suffix(".clone")
        if self.gate is None:
            return
        self.gate.journal.copy(copy)
        await asyncio.sleep(age_s)
        for _ in range(lives):
            clone = open_gate(self._ground.path, self._fleet, self.plan, broker=self._broker, file=copy)
            async with asyncio.TaskGroup() as group:
                life = group.create_task(clone.run())
                await asyncio.sleep(life_s)
                life.cancel()


def journal_file(path: Path, fleet: FleetPlan, plan: GatePlan) -> Path:
    """Returns where a gate keeps its journal."""
    return path.parent / fleet.journals / f"{plan.site_id}-{plan.gate_id}.journal"


def open_gate(
    path: Path,
    fleet: FleetPlan,
    plan: GatePlan,
    *,
    broker: str = "",
    file: Path | None = None,
    clock: Clock | None = None,
    ticker: Ticker | None = None,
    crash: CrashPoint = NOWHERE,
) -> Turnstile:
    """Returns a gate of the fleet with its journal open."""
    journal = Journal.open(file or journal_file(path, fleet, plan), keep=fleet.keep_journals, crash=crash)
    return Turnstile(
        plan,
        journal,
        broker=broker or fleet.broker,
        keys=fleet.keys,
        ca_file=fleet.ca_file,
        clock=clock or Clock(),
        ticker=ticker,
        crash=crash,
    )
