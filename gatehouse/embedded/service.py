"""What all embedded services have in common: start, stop, crash, come back."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import structlog

from gatehouse.embedded.child import Child, StartFailed

log = structlog.get_logger()

LONGEST_PAUSE_S = 2.0


class Service(ABC):
    """A server that runs as our child, and may be killed and started again on the same data and address."""

    name: str
    restart_pause_s = 0.2

    def __init__(self) -> None:
        self._child: Child | None = None
        self._stopped = False
        self._turn = asyncio.Lock()

    @abstractmethod
    async def _launch(self) -> Child:
        """Start the process and return it as soon as it serves."""

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    def kill(self) -> None:
        """Kill it with -9."""
        self._running().kill()

    async def wait(self) -> int:
        """Return its exit code once it has ended, for whatever reason."""
        return await self._running().wait()

    async def restart(self) -> None:
        """Start it again, on the same data and address, whether it still runs or was killed."""
        async with self._turn:
            self._stopped = False
            if self._child is not None:
                await self._child.stop()
            self._child = await self._launch()

    async def stop(self, deadline_s: float = 10) -> None:
        """End it in order; it is killed when it has not ended by the deadline."""
        async with self._turn:
            self._stopped = True
            if self._child is not None:
                await self._child.stop(deadline_s)

    async def keep(self) -> None:
        """Start it again each time it ends by itself; returns after `stop`. A task for the owner's TaskGroup.

        What keeps it from starting now (its port taken for a moment, no room on the disk) may pass: it is tried again.
        """
        pause_s = self.restart_pause_s
        while True:
            child = self._running()
            code = await child.wait()
            async with self._turn:
                if self._stopped:
                    return
                if self._child is not child:
                    continue  # someone else has started it again
                log.warning("service ended, starting it again", service=self.name, exit_code=code)
                await asyncio.sleep(pause_s)
                try:
                    self._child = await self._launch()
                except StartFailed as failure:
                    log.error("service does not start, trying again", service=self.name, failure=str(failure))
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                else:
                    pause_s = self.restart_pause_s

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[Self]:
        self._child = await self._launch()
        try:
            yield self
        finally:
            await self.stop()

    def _running(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._child
