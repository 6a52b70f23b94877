"""A lockdown of two hundred gates: from the guard's call to each gate's word that it obeys, as the screen tells it."""

import asyncio
import statistics
import time

from bench.gates.place import HOUSE, Place, place
from bench.gates.player import Player
from bench.report import Goal, percentile, table
from domain.kernel.runtime import Runtime

GATES = 200
ROUNDS = 6
PATIENCE_S = 15.0
PAUSE_S = 0.3

OBEYED = "SELECT extract(epoch FROM confirmed_at)::float8 FROM gate_orders WHERE revision >= $1 ORDER BY 1"


async def measure() -> dict[str, Goal]:
    """Measure, print the table and return the goal."""
    async with place(scanning=0, reporting=GATES) as where, where.process() as process:
        await where.gatehouse("ingest")
        await where.gatehouse("work")
        gates = await Player.start("obeys", where.plan_file)
        try:
            rounds = [
                await _order(where, process.runtime, "normal" if number % 2 else "lockdown")
                for number in range(ROUNDS + 1)
            ][1:]
            refused = (await gates.do())["refused"]
        finally:
            await gates.stop()
    return show(rounds, refused)


async def _order(where: Place, runtime: Runtime, mode: str) -> list[float]:
    """Order a mode and return after how many ms each gate had confirmed it."""
    await asyncio.sleep(PAUSE_S)
    site_id, began = where.plan.reporting[0].site_id, time.time()
    ordered = {"siteId": site_id, "mode": mode, "reason": "a benchmark"}
    await runtime.call(HOUSE, "access.order_site", ordered)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            obeyed = [row[0] for row in await where.ask(OBEYED, int(began * 1000))]
            if len(obeyed) == GATES and None not in obeyed:
                return [(at - began) * 1000 for at in obeyed]
            await asyncio.sleep(0.05)


def show(rounds: list[list[float]], refused: int) -> dict[str, Goal]:
    """Print the table and return the goal."""
    at = {percent: statistics.median(percentile(took, percent) for took in rounds) for percent in (50, 99)}
    worst = max(took[-1] for took in rounds)
    rows = [
        ("p50 / p99 of the gates, ms", f"{at[50]:.0f} / {at[99]:.0f}"),
        ("the last gate of the slowest round, ms", f"{worst:.0f}"),
        ("orders whose signature was wrong", str(refused)),
    ]
    print(table((f"lockdown confirmed by {GATES} gates", "value"), rows))
    return {"lockdown": Goal(at[99], 500, f"ms until a lockdown is confirmed by {GATES} gates, p99")}
