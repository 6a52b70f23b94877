"""Numbers of what waits in the database, for whoever looks at the metrics of `gatehouse work`."""

import asyncio
import logging
from functools import partial

from domain.kernel import backlog
from domain.kernel.backlog import Waiting
from server.process import Process

logger = logging.getLogger(__name__)

EVERY_S = 5.0
WAITING = {
    "jobs_due": "Jobs that wait to be done.",
    "jobs_parked": "Jobs given up after their last attempt.",
    "facts_unplaced": "Facts without a position yet.",
    "facts_unpublished": "Facts whose publications are not out yet.",
}


async def measure(process: Process) -> None:
    """Measure every few seconds until cancelled; while the database is away the last numbers stand."""
    found = {name: Waiting(0, 0.0) for name in WAITING}
    for name, meaning in WAITING.items():
        process.metrics.watch(name, meaning, partial(_count, found, name))
        process.metrics.watch(
            f"{name}_age_seconds", f"{meaning} The oldest's age.", partial(_age, found, name)
        )
    while True:
        try:
            async with process.runtime.readers() as db:
                waiting = await backlog.measure(db)
            found.update({name: getattr(waiting, name) for name in WAITING})
        except Exception:
            logger.exception("what waits could not be measured")
        await asyncio.sleep(EVERY_S)


def _count(found: dict[str, Waiting], name: str) -> float:
    return found[name].count


def _age(found: dict[str, Waiting], name: str) -> float:
    return found[name].oldest_s
