"""A hundred gates come back with what happened while they were offline, and scans go on meanwhile."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from bench.gates.place import Place, place
from bench.gates.player import Player, cpu_s
from bench.report import Goal, percentile, table
from gatehouse.embedded.child import Child

GATES = 100
EVENTS, FULL = 100_000, 1_000_000
SCANS_PER_S, SCAN_S = 200, 2.0

COUNTED = """
SELECT count(*), count(DISTINCT (gate_id, epoch, seq)) FROM access_log WHERE gate_id = ANY($1::bigint[])
"""


async def measure(events: int = EVENTS) -> dict[str, Goal]:
    """Measure, print the table and return the goals."""
    async with place(scanning=20, reporting=GATES) as where, AsyncExitStack() as stack:
        ingest = await where.gatehouse("ingest")
        await where.gatehouse("decide")
        scans = await Player.start("scans", where.plan_file)
        stack.push_async_callback(scans.stop)
        gates = await Player.start("events", where.plan_file)
        stack.push_async_callback(gates.stop)
        while (await scans.do(rate=100, seconds=0.3))["unanswered"]:
            pass
        return await _drain(where, ingest, scans, gates, events)


async def _drain(where: Place, ingest: Child, scans: Player, gates: Player, events: int) -> dict[str, Goal]:
    await gates.do(count=events, rate=0, batched=True)
    before = cpu_s(ingest.pid), cpu_s(where.postgres.pid)
    gates.order()
    told = asyncio.ensure_future(gates.answer())
    took, unanswered = list[int](), 0
    while not told.done():
        answer = await scans.do(rate=SCANS_PER_S, seconds=SCAN_S)
        took += answer["took_us"]
        unanswered += answer["unanswered"]
    after = cpu_s(ingest.pid), cpu_s(where.postgres.pid)
    ids = [gate.gate_id for gate in where.plan.reporting]
    rows, distinct = (await where.ask(COUNTED, ids))[0]
    spent = [(end - start) / events * 1e6 for start, end in zip(before, after, strict=True)]
    return show(events, await told, sorted(took), unanswered, (rows, distinct), spent)


def show(
    events: int,
    told: Any,
    took: list[int],
    unanswered: int,
    rows: tuple[int, int],
    spent: list[float],
) -> dict[str, Goal]:
    """Print the table and return the goals."""
    seconds = told["ended"] - told["began"]
    lines = [
        ("events of gates that were offline, and rows", f"{events:,} / {rows[0]:,}"),
        ("drained in", f"{seconds:.1f} s"),
        ("events per second", f"{events / seconds:,.0f}"),
        ("CPU of bridge / PostgreSQL per event", f"{spent[0]:.0f} / {spent[1]:.0f} µs"),
        (
            f"decisions meanwhile at {SCANS_PER_S}/s, p50 / p99",
            f"{percentile(took, 50) / 1000:.1f} / {percentile(took, 99) / 1000:.1f} ms",
        ),
        ("scans not answered", f"{unanswered} of {len(took) + unanswered}"),
    ]
    print(table((f"backlog of {GATES} gates", "value"), lines))
    wrong = abs(rows[0] - events) + rows[0] - rows[1] + told["unacknowledged"]
    return {
        "backlog": Goal(wrong, 0, "events of the backlog that were lost, doubled or not acknowledged"),
        "backlog rate": Goal(events / seconds, 10_000, "events/s of the backlog", at_least=True),
    }
