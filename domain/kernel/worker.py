"""Does the jobs that wait, a few at once, until told to stop."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial

import msgspec
import structlog

from domain.kernel import queue
from domain.kernel.database import Sessions
from domain.kernel.jobs import Job, Work
from domain.kernel.queue import Claim
from domain.kernel.rounds import AWAY, in_rounds, rest
from domain.kernel.tools import Tools

logger = structlog.get_logger(__name__)

GOODBYE_S = 2


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker works: how many jobs at once, and its times in seconds.

    A failed job is tried again after ``first_pause_s``, then after twice as long each time up to
    ``longest_pause_s``, all plus or minus a fifth.
    """

    at_once: int = 8
    poll_s: float = 0.5
    claim_s: float = 15
    grace_s: float = 5
    first_pause_s: float = 2
    longest_pause_s: float = 900


class Worker:
    """Carries out jobs by their names. ``jobs`` are the catalogue's, and the retried reactions of the runtime."""

    def __init__(
        self,
        jobs: Mapping[str, Job],
        sessions: Sessions,
        tools: Tools,
        *,
        pace: Pace | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._jobs = jobs
        self._sessions = sessions
        self._tools = tools
        self._pace = pace or Pace()
        self._clock = clock
        self._held: dict[int, tuple[Claim, asyncio.Task[None]]] = {}
        self._cut_off: list[Claim] = []
        self._room = asyncio.Event()
        self._stop = asyncio.Event()

    @property
    def under_way(self) -> int:
        """How many jobs this worker is at."""
        return len(self._held)

    def stop(self) -> None:
        """Take no more jobs; ``run`` returns when those under way are done, at the latest after ``grace_s``."""
        self._stop.set()
        self._room.set()

    async def run(self) -> None:
        """Work until stopped or cancelled. Jobs that are cut off are due again at once, without a lost attempt."""
        try:
            async with asyncio.TaskGroup() as tasks:
                renewing = tasks.create_task(self._renew())
                await in_rounds("jobs", lambda: self._take(tasks), pause_s=self._pace.poll_s, stop=self._stop)
                await self._finish()
                renewing.cancel()
        finally:
            await self._give_back()

    async def _take(self, tasks: asyncio.TaskGroup) -> bool:
        free = self._pace.at_once - len(self._held)
        if free <= 0:
            self._room.clear()
            await rest(self._pace.claim_s, self._room)
            return True
        async with self._sessions.begin() as db:
            claims = await queue.claim(db, list(self._jobs), limit=free, lasts_s=self._pace.claim_s)
        for claimed in claims:
            self._held[claimed.id] = claimed, tasks.create_task(self._attempt(claimed))
        return len(claims) == free

    async def _attempt(self, claimed: Claim) -> None:
        try:
            await self._do(claimed)
        except asyncio.CancelledError:
            self._cut_off.append(claimed)
            raise
        finally:
            del self._held[claimed.id]
            self._room.set()

    async def _do(self, claimed: Claim) -> None:
        job = self._jobs[claimed.job]
        if claimed.attempt > job.attempts:
            # Only a job whose workers died under it gets here: a failure would have parked it.
            await self._park(claimed, None)
            return
        last = claimed.attempt >= job.attempts
        work = Work(
            sessions=self._sessions,
            tools=self._tools,
            now=self._clock(),
            last=last,
            finish=partial(queue.finish, claimed),
        )
        try:
            async with asyncio.timeout(job.lasts_s):
                await job.handler(work, **claimed.arguments)
        except Exception as failure:  # the edge: a job's failure is its own, and is kept with it
            await self._failed(claimed, failure, last=last)
            return
        await self._write(queue.done, claimed)

    async def _failed(self, claimed: Claim, failure: Exception, *, last: bool) -> None:
        error = f"{type(failure).__name__}: {failure}"
        if last:
            await self._park(claimed, error)
            return
        pause_s = self._pause_s(claimed.attempt)
        logger.warning(
            "job failed and is tried again",
            job=claimed.job,
            id=claimed.id,
            attempt=claimed.attempt,
            error=error,
            pause_s=round(pause_s, 1),
        )
        await self._write(queue.put_off, claimed, pause_s=pause_s, error=error)

    async def _park(self, claimed: Claim, error: str | None) -> None:
        logger.error("job parked", job=claimed.job, id=claimed.id, attempts=claimed.attempt, error=error)
        await self._write(queue.park, claimed, error=error)

    async def _write(self, outcome: Callable[..., Awaitable[None]], claimed: Claim, **values: object) -> None:
        """Note how a job ended. Where even that fails its claim ends by itself, and it is done once more."""
        try:
            async with self._sessions.begin() as db:
                await outcome(db, claimed, **values)
        except AWAY as error:
            logger.warning(
                "the end of a job could not be noted", job=claimed.job, id=claimed.id, error=str(error)
            )

    async def _renew(self) -> None:
        await in_rounds("claims", self._renew_held, pause_s=self._pace.claim_s / 3)

    async def _renew_held(self) -> bool:
        if self._held:
            async with self._sessions.begin() as db:
                claims = [claimed for claimed, _ in self._held.values()]
                await queue.renew(db, claims, lasts_s=self._pace.claim_s)
        return False

    async def _finish(self) -> None:
        """Let jobs under way end, and cut off those that do not in time."""
        under_way = [task for _, task in self._held.values()]
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=self._pace.grace_s)
            for task in late:
                task.cancel()

    async def _give_back(self) -> None:
        try:
            async with asyncio.timeout(GOODBYE_S):
                for claimed in self._cut_off:
                    await self._write(queue.give_back, claimed)
        except TimeoutError:
            logger.warning("jobs were not given back", count=len(self._cut_off))

    def _pause_s(self, attempt: int) -> float:
        doubled: float = self._pace.first_pause_s * 2 ** min(attempt - 1, 30)
        return min(self._pace.longest_pause_s, doubled) * random.uniform(0.8, 1.2)
