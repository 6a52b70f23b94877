"""One process at a time does a thing, the others stand by: a lease held for as long as the work goes on.

1. Work begins when the lease is ours and is cancelled when it is another's. A database that is away takes it from
   nobody.
2. A stopped process does not know that it has been replaced. So what it writes it writes under its term, and the
   runtime refuses a term that is over, in the same transaction.
3. A process that is told to end gives the lease back, so that a standby takes over at once; after a kill it waits
   until the lease has lapsed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from domain.kernel import leases
from domain.kernel.database import Sessions
from domain.kernel.leases import Term
from domain.kernel.rounds import AWAY

logger = structlog.get_logger(__name__)

LASTS = timedelta(seconds=3)
Work = Callable[[Term], Awaitable[None]]


class Tenure:
    """Holds ``role`` while it works. A ``holder`` that comes again takes its own lease up at once.

    ``yields`` tells for how many seconds others may go first: of several leases each process then gets some.
    """

    def __init__(
        self,
        sessions: Sessions,
        role: str,
        holder: str,
        *,
        lasts: timedelta = LASTS,
        yields: Callable[[], float] = lambda: 0,
    ) -> None:
        self._sessions = sessions
        self._role = role
        self._holder = holder
        self._lasts = lasts
        self._yields = yields

    async def run(self, work: Work) -> None:
        """Do ``work`` in each term that is ours, until cancelled or until it ends by itself."""
        try:
            while True:
                term = await self._begin()
                logger.info("a term begins", role=self._role, generation=term.generation)
                if await self._serve(term, work):
                    return
                logger.warning("another has taken over", role=self._role)
        finally:
            await leases.hand_over(self._sessions, self._role, self._holder)

    async def _begin(self) -> Term:
        while True:
            await asyncio.sleep(self._yields())
            try:
                if (generation := await self._acquire()) is not None:
                    return Term(self._role, self._holder, generation)
            except AWAY as error:
                logger.warning("a lease cannot be asked for", role=self._role, error=str(error))
            await asyncio.sleep(self._pause_s)

    async def _serve(self, term: Term, work: Work) -> bool:
        """Work until it is done, which is True, or until the term is over."""
        working = asyncio.ensure_future(work(term))
        keeping = asyncio.create_task(self._keep(term), name=f"lease of {self._role}")
        try:
            await asyncio.wait([working, keeping], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                return True
            keeping.result()
            return False
        finally:
            for task in (working, keeping):
                task.cancel()
            await asyncio.wait([working, keeping])

    async def _keep(self, term: Term) -> None:
        """Return when another holds the lease."""
        while True:
            await asyncio.sleep(self._pause_s)
            try:
                if await self._acquire() != term.generation:
                    return
            except AWAY as error:
                logger.warning("a lease cannot be renewed yet", role=self._role, error=str(error))

    async def _acquire(self) -> int | None:
        async with asyncio.timeout(self._lasts.total_seconds()), self._sessions.begin() as db:
            return await leases.acquire(db, self._role, self._holder, lasts=self._lasts)

    @property
    def _pause_s(self) -> float:
        return self._lasts.total_seconds() / 3
