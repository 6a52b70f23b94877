"""Scan to decision beside the broker's own echo, alone and under ingestion; and what a durable event costs.

One run, one machine, one broker: the kinds of load take turns in several rounds, and each figure is the median of its
rounds. The gates are real ones to the broker: an account each, one connection each, QoS 1.
"""

import asyncio
import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from bench.gates.place import ECHO, Place, place
from bench.gates.player import Player, cpu_s
from bench.report import Goal, percentile, table
from gatehouse.embedded.child import Child, Command

ROUNDS = 3
SECONDS = 1.5
SCANS = (500, 1_000)
EVENTS_PER_S = 2_000
FLOOD = 20_000
READY_S = 30

COMMITTED = """
SELECT gate_id, seq, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8
FROM access_log WHERE received_at >= to_timestamp($1) ORDER BY gate_id, seq
"""


@dataclass
class Measured:
    """What was measured, round by round."""

    took: dict[tuple[str, int, bool], list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """(leg, rate, while ingesting) → p50 and p99 in µs."""
    unanswered: int = 0
    bridge_us: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    postgres_us: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    events_per_s: list[float] = field(default_factory=list)
    acks_ms: list[tuple[float, float]] = field(default_factory=list)

    def median(self, leg: str, rate: int, busy: bool) -> tuple[float, float]:
        rounds = self.took[leg, rate, busy]
        return statistics.median(r[0] for r in rounds), statistics.median(r[1] for r in rounds)


@dataclass
class Bench:
    """The running house and the loads."""

    where: Place
    ingest: Child
    scans: Player
    events: Player
    measured: Measured = field(default_factory=Measured)

    async def round(self) -> None:
        """Measure everything once."""
        for rate in SCANS:
            for leg in ("echo", "scan"):
                await self._scan(leg, rate, busy=False)
        for rate in SCANS:
            for leg in ("echo", "scan"):
                await self._scan_while_ingesting(leg, rate)
        await self._flood()

    async def _scan(self, leg: str, rate: int, *, busy: bool) -> None:
        answer = await self.scans.do(leg=leg, rate=rate, seconds=SECONDS)
        took = sorted(answer["took_us"])
        self.measured.unanswered += answer["unanswered"]
        self.measured.took[leg, rate, busy].append((percentile(took, 50), percentile(took, 99)))

    async def _scan_while_ingesting(self, leg: str, rate: int) -> None:
        count = int(EVENTS_PER_S * (SECONDS + 0.5))
        await self.events.do(count=count, rate=EVENTS_PER_S)
        before = self._cpu()
        self.events.order()
        await asyncio.sleep(0.25)
        await self._scan(leg, rate, busy=True)
        told = await self.events.answer()
        self._spent("paced", before, count)
        self.measured.acks_ms.append(await self._acks(told))

    async def _flood(self) -> None:
        await self.events.do(count=FLOOD, rate=0)
        before = self._cpu()
        told = await self.events.do()
        if told["unacknowledged"]:
            raise RuntimeError(f"{told['unacknowledged']} events were not acknowledged")
        self._spent("flood", before, FLOOD)
        self.measured.events_per_s.append(FLOOD / (told["ended"] - told["began"]))

    def _cpu(self) -> tuple[float, float]:
        return cpu_s(self.ingest.pid), cpu_s(self.where.postgres.pid)

    def _spent(self, load: str, before: tuple[float, float], events: int) -> None:
        after = self._cpu()
        self.measured.bridge_us[load].append((after[0] - before[0]) / events * 1e6)
        self.measured.postgres_us[load].append((after[1] - before[1]) / events * 1e6)

    async def _acks(self, told: Any) -> tuple[float, float]:
        """Return p50 and p99 of the time from an event's commit to its gate's hearing of it, in ms."""
        heard: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for gate_id, up_to, at in told["told"]:
            heard[gate_id].append((up_to, at))
        waits: list[float] = []
        for gate_id, seq, committed in await self.where.ask(COMMITTED, told["began"]):
            acks = heard.get(gate_id, [])
            while acks and acks[0][0] < seq:
                acks.pop(0)
            if acks:
                waits.append((acks[0][1] - committed) * 1000)
        waits.sort()
        return percentile(waits, 50), percentile(waits, 99)


async def measure() -> dict[str, Goal]:
    """Measure, print the tables and return the goals."""
    async with place() as where, AsyncExitStack() as stack:
        bench = await _start(where, stack)
        for _ in range(ROUNDS):
            await bench.round()
        return show(bench.measured)


async def _start(where: Place, stack: AsyncExitStack) -> Bench:
    argv = (sys.executable, "-m", "bench.gates.echo", str(where.broker.port), ECHO.username, ECHO.password)
    echo = await Child.start(Command(argv=argv, log=where.folder / "log" / "echo.log"))
    stack.push_async_callback(echo.stop, 1)
    ingest = await where.gatehouse("ingest")
    await where.gatehouse("decide")
    scans, events = (
        await Player.start("scans", where.plan_file),
        await Player.start("events", where.plan_file),
    )
    stack.push_async_callback(scans.stop)
    stack.push_async_callback(events.stop)
    bench = Bench(where, ingest, scans, events)
    await _warm_up(bench)
    return bench


async def _warm_up(bench: Bench) -> None:
    """Wait until everybody answers, and let statements be prepared and caches be filled."""
    async with asyncio.timeout(READY_S):
        for leg in ("echo", "scan"):
            while (await bench.scans.do(leg=leg, rate=100, seconds=0.3))["unanswered"]:
                pass
        await bench.events.do(count=1_000, rate=1_000)
        if (await bench.events.do())["unacknowledged"]:
            raise RuntimeError("events of the warm-up were not acknowledged")


def show(measured: Measured) -> dict[str, Goal]:
    """Print everything and return the goals."""
    _show_scans(measured)
    spent = {
        load: (
            statistics.median(measured.bridge_us[load]),
            statistics.median(measured.postgres_us[load]),
        )
        for load in ("paced", "flood")
    }
    events_per_s = statistics.median(measured.events_per_s)
    _show_events(measured, spent, events_per_s)
    ratios = {
        busy: measured.median("scan", SCANS[0], busy)[1] / measured.median("echo", SCANS[0], busy)[1]
        for busy in (True, False)
    }
    return {
        "P6": Goal(ratios[True], 5, "p99 of a decision over the echo's at 500/s while ingesting"),
        "P6 alone": Goal(ratios[False], 3, "the same without ingestion"),
        "P7": Goal(spent["flood"][0], 30, "µs of the bridge per event"),
        "P7 rate": Goal(events_per_s, 10_000, "durable events/s of one process", at_least=True),
    }


def _show_scans(measured: Measured) -> None:
    rows: list[Sequence[str]] = []
    for busy in (False, True):
        for rate in SCANS:
            echo, scan = measured.median("echo", rate, busy), measured.median("scan", rate, busy)
            rows.append(
                (
                    f"{rate}/s" + (f" while {EVENTS_PER_S} events/s are ingested" if busy else ""),
                    f"{echo[0]:.0f} / {echo[1]:.0f}",
                    f"{scan[0]:.0f} / {scan[1]:.0f}",
                    f"{scan[0] / echo[0]:.1f} / {scan[1] / echo[1]:.1f}",
                )
            )
    print(table(("scans", "echo p50/p99 µs", "decision p50/p99 µs", "ratio p50/p99"), rows))


def _show_events(measured: Measured, spent: Mapping[str, tuple[float, float]], events_per_s: float) -> None:
    acks = [statistics.median(one[i] for one in measured.acks_ms) for i in (0, 1)]
    print(
        table(
            ("ingestion", "value"),
            [
                ("CPU of the bridge per event, as fast as it goes", f"{spent['flood'][0]:.0f} µs"),
                ("CPU of PostgreSQL per event, as fast as it goes", f"{spent['flood'][1]:.0f} µs"),
                (f"CPU of the bridge per event at {EVENTS_PER_S}/s", f"{spent['paced'][0]:.0f} µs"),
                (f"CPU of PostgreSQL per event at {EVENTS_PER_S}/s", f"{spent['paced'][1]:.0f} µs"),
                ("durable events of one process", f"{events_per_s:.0f}/s"),
                ("commit to gate's ack p50 / p99", f"{acks[0]:.1f} / {acks[1]:.1f} ms"),
                ("scans not answered", str(measured.unanswered)),
            ],
        )
    )
