"""Publishes what a process committed and did not live to publish; one process does it at a time, under a lease.

A fact that still cannot be shown after ten minutes is given up with an error in the log: the next change of the same
thing shows its whole state again.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from domain.kernel import leases, log
from domain.kernel.database import Sessions
from domain.kernel.events import Event
from domain.kernel.log import Fact
from domain.kernel.rounds import in_rounds
from server.metrics import Metrics
from server.relay import Relay

logger = structlog.get_logger(__name__)

ROLE: Final = "relay.repair"
EVERY_S: Final = 1.0
OVERDUE: Final = timedelta(seconds=2)
GIVEN_UP: Final = timedelta(minutes=10)
LEASE: Final = timedelta(seconds=10)


class Repair:
    """The relay's second look."""

    def __init__(
        self,
        *,
        relay: Relay,
        sessions: Sessions,
        events: Mapping[str, type[Event]],
        holder: str,
        metrics: Metrics,
        clock: Callable[[], datetime],
        every_s: float = EVERY_S,
    ) -> None:
        self._relay = relay
        self._sessions = sessions
        self._events = events
        self._holder = holder
        self._metrics = metrics
        self._clock = clock
        self._every_s = every_s

    async def run(self) -> None:
        """Look once a second until cancelled, then let a standby take over at once."""
        try:
            await in_rounds("repair", self.publish_overdue, pause_s=self._every_s)
        finally:
            await leases.hand_over(self._sessions, ROLE, self._holder)

    async def publish_overdue(self) -> bool:
        """Publish a batch of what is overdue, if the lease is ours; tell whether any of it is done with."""
        now = self._clock()
        async with self._sessions.begin() as db:
            if await leases.acquire(db, ROLE, self._holder, lasts=LEASE) is None:
                return False
        async with self._sessions.begin() as db:
            facts = await log.overdue(db, self._events, before=now - OVERDUE)
            out = await self._relay.send(facts) if facts else []
            hopeless = _hopeless(facts, set(out), now)
            if out or hopeless:
                await log.published(db, [*out, *hopeless])
        self._metrics.repaired(len(out))
        return bool(out or hopeless)


def _hopeless(facts: list[Fact], out: set[int], now: datetime) -> list[int]:
    given_up = [fact for fact in facts if fact.noted not in out and fact.at < now - GIVEN_UP]
    for fact in given_up:
        logger.error("fact is given up and shows nowhere", fact=fact.noted, name=fact.event.name)
    return [fact.noted for fact in given_up]
