"""Forgets what has had its time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from domain.kernel import idempotency
from domain.kernel.database import Sessions
from domain.kernel.rounds import in_rounds

KEYS_LAST = timedelta(hours=24)


class Housekeeping:
    """Sweeps in small steps, in any number of processes at once."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        pause_s: float = 600,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sessions = sessions
        self._pause_s = pause_s
        self._clock = clock

    async def run(self) -> None:
        """Sweep until cancelled."""
        await in_rounds("housekeeping", self.sweep, pause_s=self._pause_s)

    async def sweep(self) -> bool:
        """Forget some idempotency keys older than a day; tell whether there were any."""
        async with self._sessions.begin() as db:
            return bool(await idempotency.sweep(db, before=self._clock() - KEYS_LAST))
