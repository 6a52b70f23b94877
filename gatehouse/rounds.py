"""Things a process does again and again, each time as if nothing had happened before."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from domain.kernel.caller import SERVICE
from server.process import Process

logger = structlog.get_logger(__name__)


async def every(pause_s: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do ``work`` after each pause, until cancelled."""
    while True:
        await asyncio.sleep(pause_s)
        await work()


async def until(ended: Awaitable[None], work: Awaitable[None]) -> None:
    """Do ``work`` until it is done or ``ended`` is; either's error is raised."""
    tasks = [asyncio.ensure_future(one) for one in (work, ended)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def say(process: Process, name: str, **members: object) -> None:
    """Perform an operation as the service; one that fails is performed again in the next round."""
    try:
        await process.runtime.call(SERVICE, name, members)
    except Exception:
        # screens show meanwhile that what they have is stale
        logger.exception("an operation failed", operation=name)


async def say_until_done(process: Process, *names: str) -> None:
    """Perform each operation as the service again and again, as long as it answers that it did something."""
    for name in names:
        try:
            while await process.runtime.call(SERVICE, name, {}):
                pass
        except Exception:
            # the next round goes on where this one stopped
            logger.exception("an operation failed", operation=name)
