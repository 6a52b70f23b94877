"""Numbers the facts of the log densely, in an order that never puts a fact behind a follower's back.

Ids are given at insert and commits come in any order, so whoever follows ids misses facts. A position is given only
to facts whose transactions lie behind the oldest one still running; facts of one aggregate keep their order, since
each was written under the lock that the one before had released.
"""

from datetime import timedelta

import structlog
from sqlalchemy import exists, select

from domain.kernel import leases, queries
from domain.kernel.database import Sessions
from domain.kernel.log import FactRow
from domain.kernel.rounds import in_rounds

logger = structlog.get_logger(__name__)

ROLE = "sequencer"
LEASE = timedelta(seconds=10)
BATCH = 1000


class Sequencer:
    """Gives positions in one process at a time; the others stand by.

    The lease's row stays locked while positions are given, so that not even two holders could give them at once.
    """

    def __init__(self, sessions: Sessions, holder: str, *, pause_s: float = 0.1) -> None:
        self._sessions = sessions
        self._holder = holder
        self._pause_s = pause_s

    async def run(self) -> None:
        """Place facts until cancelled, then let a standby take over at once."""
        try:
            await in_rounds("sequencer", self.place, pause_s=self._pause_s)
        finally:
            await leases.hand_over(self._sessions, ROLE, self._holder)

    async def place(self) -> bool:
        """Give positions to one batch of settled facts; tell whether there was one."""
        async with self._sessions.begin() as db:
            if not await db.scalar(select(exists().where(FactRow.position.is_(None)))):
                return False
            if await leases.acquire(db, ROLE, self._holder, lasts=LEASE) is None:
                return False
            placed = await db.execute(queries.load("domain.kernel", "place_facts"), {"limit": BATCH})
            return bool(placed.all())
