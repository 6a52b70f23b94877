"""A small site at work, to which something happens; when the block ends, all has been said, and the log is proved."""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from gatehouse.embedded.child import Child
from simulators.control import NoFleet, NotPresented, present
from simulators.faults import Fault
from simulators.plan import FleetPlan
from simulators.presented import Presented
from tests.chaos.proof import differences, read_journal
from tests.chaos.visitors import drained, keep_alive, walk
from tests.chaos.world import Fleet, World, world
from tests.eventually import eventually

FEW = 3
FEW_EVENTS = 30


@dataclass
class Work:
    """What a test does to the site, and what it looks at."""

    made: World
    over: asyncio.Event = field(default_factory=asyncio.Event)
    expected: set[str] = field(default_factory=set)
    """What must differ in the end, each a pattern of a whole line: the fault would not have happened otherwise."""

    def strike(self, fleet: Fleet, *faults: Fault, speed: float = 1.0, **changes: Any) -> None:
        """Have this happen to a gate from now on, as its fleet file tells; a changed gate starts anew first."""
        plan = msgspec.json.decode(fleet.plan.read_bytes(), type=FleetPlan)
        gates = tuple(replace(gate, **changes) for gate in plan.gates)
        draft = fleet.plan.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(replace(plan, gates=gates, faults=faults, speed=speed)))
        draft.rename(fleet.plan)

    async def shown(self, fleet: Fleet, token: str) -> Presented:
        """Show a pass at a gate, as soon as it can be shown one."""

        async def show() -> Presented | bool:
            with suppress(NoFleet, NotPresented):
                return await present(fleet.door, fleet.gate.gate_id, token)
            return False

        answer = await eventually(show, timeout_s=20)
        assert isinstance(answer, Presented)
        return answer

    async def walked(self, by: int) -> None:
        """Wait until so much more has happened at every gate, whether anybody has heard of it or not."""
        await asyncio.gather(*(self._walked(fleet, by) for fleet in self.made.fleets))

    async def _walked(self, fleet: Fleet, by: int) -> None:
        first = await self.shown(fleet, fleet.tokens[0])

        async def more() -> bool:
            return (await self.shown(fleet, fleet.tokens[0])).seq >= first.seq + by

        await eventually(more, timeout_s=30)

    async def kinds(self, fleet: Fleet) -> list[str]:
        """Return the kinds of what the log has of a gate, in the order of its journals."""
        question = "SELECT kind FROM access_log WHERE gate_id = $1 ORDER BY id"
        return [row[0] for row in await self.made.ask(question, fleet.gate.gate_id)]

    async def has(self, fleet: Fleet, kind: str, times: int = 1) -> None:
        """Wait until the log has something of a gate."""

        async def seen() -> bool:
            return (await self.kinds(fleet)).count(kind) >= times

        await eventually(seen, timeout_s=30)

    async def caught_up(self, fleet: Fleet) -> None:
        """Wait until the log has something that a gate does now: then it has all that the broker had before."""
        seq = (await self.shown(fleet, fleet.tokens[0])).seq
        await self.until(
            "SELECT count(*) FROM access_log WHERE gate_id = $1 AND seq >= $2", fleet.gate.gate_id, seq
        )

    async def count(self, question: str, *arguments: object) -> int:
        """Return the number that is the answer to a question."""
        return int((await self.made.ask(question, *arguments))[0][0])

    async def until(self, question: str, *arguments: object) -> None:
        """Wait until the answer to a question is a number above zero."""

        async def so() -> bool:
            return await self.count(question, *arguments) > 0

        await eventually(so, timeout_s=30)


@asynccontextmanager
async def at_work(
    folder: Path, database: str, *, gates: int = FEW, roles: Sequence[str] = ("ingest",), walkers: bool = True
) -> AsyncIterator[Work]:
    """Have people walk through gates while the block runs; then prove that nothing was lost, doubled or miscounted."""
    async with world(folder, database, gates=gates) as made, asyncio.TaskGroup() as tasks:
        work = Work(made)
        for role in roles:
            await made.gatehouse(role)
        keeping = [tasks.create_task(keep_alive(made, fleet)) for fleet in made.fleets]
        walking = [
            tasks.create_task(walk(fleet, lambda n: work.over.is_set() and n >= FEW_EVENTS))
            for fleet in (made.fleets if walkers else ())
        ]
        yield work
        work.over.set()
        lengths = [await one for one in walking] or [0] * len(made.fleets)
        await drained(made, lengths)
        for one in keeping:
            one.cancel()
        await made.stop_gates()
        found = await differences(made)
        amiss = [line for line in found if not any(re.fullmatch(one, line) for one in work.expected)]
        amiss += [one for one in work.expected if not any(re.fullmatch(one, line) for line in found)]
        assert amiss == [], found


async def ended(child: Child) -> None:
    """Kill a process, and return when it is gone."""
    child.kill()
    await child.wait()


def journals(fleets: Collection[Fleet]) -> int:
    """Return how many events the stopped gates have written."""
    return sum(read_journal(fleet.journal)[2] for fleet in fleets)
