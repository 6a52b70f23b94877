"""What a simulated gate costs that does nothing: memory, processor, open files, and how long a fleet comes and goes.

A broker, somebody who acknowledges events, and a fleet in a process of its own, once of one gate and once of many: what
the many cost more, the gates cost. Each fleet is started twice, since journals that are new cost the disk time.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import psutil

from bench.report import line_of_json, table
from gate_bridge import wire
from gate_bridge.client import Client, Settings
from gatehouse.embedded.accounts import Account
from gatehouse.embedded.broker import Broker
from gatehouse.embedded.child import Child, Command
from simulators.plan import FleetPlan, GatePlan

GATES = 200
SETTLE_S, IDLE_S = 3.0, 10.0
UP_WITHIN_S = 60.0
HOUSE = Account(
    username="house", password="bench", subscribe=("gh/1/+/+/up/#",), publish=("gh/1/+/+/dn/ack",)
)


class Cost(msgspec.Struct, frozen=True):
    """Of a whole process."""

    made_s: float
    up_s: float
    ended_s: float
    memory_mb: float
    processor_ms: float
    """In each second."""
    files: int


class House:
    """Acknowledges whatever comes, and knows which gates are there."""

    def __init__(self, url: str, gates: int) -> None:
        place = url.replace("://", f"://{HOUSE.username}:{HOUSE.password}@")
        follows = tuple((topic, 1) for topic in HOUSE.subscribe)
        self._client = Client(Settings(url=place, client_id="house", persistent=True, subscriptions=follows))
        self._missing = set(range(1, gates + 1))
        self.all_there = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._client.run())
            async for batch in self._client.batches():
                for received in batch:
                    self._hear(wire.parse(received.topic, received.payload))
                self._client.ack(batch)

    def _hear(self, said: wire.Envelope) -> None:
        match said.message:
            case wire.Birth():
                self._missing.discard(said.gate_id)
                if not self._missing:
                    self.all_there.set()
            case wire.Event() as event:
                self._acknowledge(said.gate_id, event)
            case wire.Batch() as batch:
                self._acknowledge(said.gate_id, batch.events[-1])
            case _:
                pass

    def _acknowledge(self, gate_id: int, event: wire.Event) -> None:
        told = wire.Acknowledgement(epoch=event.epoch, up_to=event.seq, at_ms=int(time.time() * 1000))
        self._client.post(wire.topic(1, gate_id, "dn/ack"), wire.encode(told), qos=wire.QOS["dn/ack"])


async def run() -> None:
    """Measure and tell."""
    one, many = await cost(1), await cost(GATES)
    more = GATES - 1
    rows = [
        ["memory, MB", f"{(many.memory_mb - one.memory_mb) / more:.2f}", f"{many.memory_mb:.0f}"],
        [
            "processor, ms a second",
            f"{(many.processor_ms - one.processor_ms) / more:.2f}",
            f"{many.processor_ms:.0f}",
        ],
        ["open files", f"{(many.files - one.files) / more:.1f}", f"{many.files}"],
        ["until all are up, journals new, s", "", f"{many.made_s:.1f}"],
        ["until all are up, journals there, s", "", f"{many.up_s:.1f}"],
        ["until all have ended, s", "", f"{many.ended_s:.1f}"],
    ]
    print(table(["fleet, idle", "a gate", f"{GATES} gates in one process"], rows))
    print(line_of_json("fleet", {}))


async def cost(gates: int) -> Cost:
    """Measure a fleet of so many gates."""
    with tempfile.TemporaryDirectory(prefix="gh-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        accounts = (HOUSE, *map(_account, range(1, gates + 1)))
        async with Broker.start(folder, accounts=accounts, kind="mosquitto") as broker:
            plan = FleetPlan(broker=broker.url, gates=tuple(map(_gate, range(1, gates + 1))))
            (folder / "fleet.json").write_bytes(msgspec.json.encode(plan))
            async with _fleet(folder, broker.url, gates) as (_, made_s):
                pass
            async with _fleet(folder, broker.url, gates) as (child, up_s):
                fleet = psutil.Process(child.pid)
                await asyncio.sleep(SETTLE_S)
                spent = _spent_s(fleet)
                await asyncio.sleep(IDLE_S)
                spent = _spent_s(fleet) - spent
                memory, files = fleet.memory_full_info().uss, fleet.num_fds()
                began = time.monotonic()
                fleet.terminate()
                await child.wait()
                ended_s = time.monotonic() - began
    return Cost(made_s, up_s, ended_s, memory / 2**20, spent / IDLE_S * 1000, files)


@asynccontextmanager
async def _fleet(folder: Path, broker: str, gates: int) -> AsyncIterator[tuple[Child, float]]:
    """A fleet whose gates are all up, and how long that took."""
    argv, house = (sys.executable, "-m", "simulators", str(folder / "fleet.json")), House(broker, gates)
    listening = asyncio.create_task(house.run())
    began = time.monotonic()
    child = await Child.start(Command(argv=argv, log=folder / "fleet.log"))
    try:
        async with asyncio.timeout(UP_WITHIN_S):
            await house.all_there.wait()
        yield child, time.monotonic() - began
    finally:
        await child.stop()
        listening.cancel()
        await asyncio.wait([listening])


def _spent_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _account(gate_id: int) -> Account:
    root = f"gh/1/1/{gate_id}"
    follows = (f"{root}/dn/#", "gh/1/1/_all/dn/#")
    return Account(
        username=str(gate_id), password=f"secret-{gate_id}", publish=(f"{root}/up/#",), subscribe=follows
    )


def _gate(gate_id: int) -> GatePlan:
    return GatePlan(gate_id=gate_id, site_id=1, password=f"secret-{gate_id}")
