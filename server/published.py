"""Deletes the notes of facts whose publications are out, in batches and behind the caller's back.

Losing a deletion is harmless: the repair publishes the fact again, and the key of the publication tells the broker.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from domain.kernel import log
from domain.kernel.database import Sessions

logger = structlog.get_logger(__name__)

PAUSE_S: Final = 0.05
BATCH: Final = 1000
WAITING: Final = 50_000


class Published:
    """Remembers what is out until it is written down; beyond the bound it forgets, which costs a repeat."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._waiting: asyncio.Queue[int] = asyncio.Queue(WAITING)

    def note(self, fact_ids: Sequence[int]) -> None:
        """Say that the publications of these facts are out."""
        for fact_id in fact_ids:
            if self._waiting.full():
                logger.warning("published facts are not noted, the repair will repeat them")
                return
            self._waiting.put_nowait(fact_id)

    async def run(self) -> None:
        """Delete until cancelled, and once more what is left then."""
        try:
            while True:
                first = await self._waiting.get()
                await asyncio.sleep(PAUSE_S)
                await self._delete([first, *self._taken()])
        finally:
            await self._delete(self._taken())

    def _taken(self) -> list[int]:
        return [self._waiting.get_nowait() for _ in range(min(self._waiting.qsize(), BATCH))]

    async def _delete(self, fact_ids: Sequence[int]) -> None:
        if not fact_ids:
            return
        try:
            async with self._sessions.begin() as db:
                await log.published(db, sorted(fact_ids))
        except Exception:
            logger.exception("published facts could not be noted, the repair will repeat them")
