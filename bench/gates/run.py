"""The parts of `make bench ONLY=gates`, each by its own name too (`ONLY=gates.lockdown`), and the backlog in full.

A part is an async function that prints its tables and returns its goals. A new one needs a line in `PARTS`.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from bench.gates import backlog, lockdown, rates, steps, viewers
from bench.report import Goal, line_of_json

Goals = Mapping[str, Goal]
Part = Callable[[], Awaitable[Goals]]

PARTS: dict[str, Part] = {
    "rates": rates.measure,
    "steps": steps.measure,
    "viewers": viewers.measure,
    "backlog": backlog.measure,
    "lockdown": lockdown.measure,
}


async def _run(name: str, parts: list[Part]) -> None:
    goals: dict[str, Goal] = {}
    for part in parts:
        goals |= await part()
    print("\n".join(goal.words(key) for key, goal in goals.items()))
    print(line_of_json(name, goals))


ALL = partial(_run, "gates", list(PARTS.values()))
BACKLOG = partial(_run, "backlog", [partial(backlog.measure, backlog.FULL)])
EACH = {f"gates.{name}": partial(_run, f"gates.{name}", [part]) for name, part in PARTS.items()}
