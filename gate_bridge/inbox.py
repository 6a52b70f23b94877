"""Messages between the socket and their reader: bounded, handed out in batches.

Full, it asks its source to pause; half empty, to resume. The source may overshoot by what it had begun to
read.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from msgspec import Struct

from gate_bridge.wire import NO_PROPERTIES, Properties


class Closed(Exception):
    """There will be no more messages."""


class Received(Struct, frozen=True, gc=False):
    """A message with what it takes to acknowledge it."""

    topic: str
    payload: bytes
    qos: int
    retained: bool
    duplicate: bool
    number: int
    generation: int
    """The connection it came by; a number means something only there."""
    properties: Properties = NO_PROPERTIES


class Inbox:
    """Filled by one source, emptied by one reader."""

    def __init__(self, capacity: int, *, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._capacity = capacity
        self._pause = pause
        self._resume = resume
        self._messages: deque[Received] = deque()
        self._arrived = asyncio.Event()
        self._wanted = 1
        self._closed = False

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Received) -> None:
        """Takes a message in, always; at capacity, pauses the source."""
        self._messages.append(message)
        if len(self._messages) >= self._wanted:
            self._arrived.set()
        if len(self._messages) >= self._capacity:
            self._pause()

    def drop_unacknowledged(self) -> None:
        """Forgets what the broker will send again on the next connection."""
        self._messages = deque(message for message in self._messages if message.qos == 0)

    def close(self) -> None:
        """Lets the reader take what is left, then tells it that there will be no more."""
        self._closed = True
        self._arrived.set()

    async def batch(
        self, *, limit: int = 500, linger_s: float = 0.005, patience_s: float | None = None
    ) -> list[Received]:
        """Returns the next messages: once there is one, waits up to `linger_s` for up to `limit`.

        Returns an empty list when nothing came for `patience_s`.

        Raises:
            Closed: there will be no more.
        """
        while await self._have(1, patience_s):
            if len(self._messages) < limit and linger_s:
                await self._have(limit, linger_s)
            taken = [self._messages.popleft() for _ in range(min(limit, len(self._messages)))]
            if len(self._messages) <= self._capacity // 2:
                self._resume()
            # While lingering the connection may have gone, and the messages with it.
            if taken:
                return taken
        return []

    async def batches(self, *, limit: int = 500, linger_s: float = 0.005) -> AsyncIterator[list[Received]]:
        """Yields batches until the inbox is closed and empty."""
        while True:
            try:
                taken = await self.batch(limit=limit, linger_s=linger_s)
            except Closed:
                return
            yield taken

    async def _have(self, count: int, patience_s: float | None) -> bool:
        """Returns whether `count` messages, or the last ones, are there within `patience_s`."""
        try:
            async with asyncio.timeout(patience_s):
                while len(self._messages) < count and not self._closed:
                    self._wanted = count
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return False
        finally:
            self._wanted = 1
        if not self._messages:
            raise Closed
        return True
