"""A background part that works in rounds, for as long as its process lives.

A round that found something to do is followed by the next at once, one that found nothing by a pause. A database
that is away is waited for; any other error is logged and, after the same longer pause, tried again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

logger = structlog.get_logger(__name__)

# What a database that restarts, fails over or is overrun may raise; asyncpg's own come from a connection being made.
AWAY = (DBAPIError, PoolTimeout, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
LONGEST_PAUSE_S = 5.0


async def in_rounds(
    part: str, once: Callable[[], Awaitable[bool]], *, pause_s: float, stop: asyncio.Event | None = None
) -> None:
    """Do ``once`` over and over until cancelled, or until ``stop`` is set between two rounds."""
    stop = stop or asyncio.Event()
    failures = 0
    while not stop.is_set():
        try:
            busy = await once()
            failures = 0
        except AWAY as error:
            failures += 1
            logger.warning("the database does not answer", part=part, error=str(error), failures=failures)
            busy = False
        except Exception:  # the edge of a part: whatever is wrong with one round, the next may be right
            failures += 1
            logger.exception("a round failed", part=part, failures=failures)
            busy = False
        if not busy:
            await rest(_pause_s(pause_s, failures), stop)


async def rest(seconds: float, stop: asyncio.Event) -> None:
    """Wait some time, or less if ``stop`` is set meanwhile."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _pause_s(usual_s: float, failures: int) -> float:
    if not failures:
        return usual_s
    doubled: float = max(usual_s, 0.1) * 2 ** min(failures, 10)
    return random.uniform(0.5, 1) * min(LONGEST_PAUSE_S, doubled)
