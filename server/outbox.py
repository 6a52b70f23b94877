"""What one connection has still to be sent: bounded in messages and bytes, joined into frames."""

import asyncio
from collections import deque

from channels.limits import Limits
from channels.protocol.codec import Codec


class Outbox:
    """Take messages without waiting, hand out frames; what does not fit is refused, and the connection is ended."""

    __slots__ = ("_bytes", "_codec", "_filled", "_limits", "_messages")

    def __init__(self, codec: Codec, limits: Limits) -> None:
        self._codec = codec
        self._limits = limits
        self._messages: deque[bytes] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def add(self, message: bytes) -> bool:
        """Queue a message; False where the reader has fallen too far behind.

        A single message larger than the whole bound is let through an empty queue: it was asked for.
        """
        full = self._bytes + len(message) > self._limits.queued_bytes
        if self._messages and (full or len(self._messages) >= self._limits.queued_messages):
            return False
        self._messages.append(message)
        self._bytes += len(message)
        self._filled.set()
        return True

    def clear(self) -> None:
        """Forget what was queued."""
        self._messages.clear()
        self._bytes = 0

    def wake(self) -> None:
        """Let `filled` return, also with nothing queued."""
        self._filled.set()

    async def filled(self) -> None:
        """Wait until there is something to do."""
        await self._filled.wait()
        self._filled.clear()

    def take(self) -> bytes | None:
        """Return the next frame: as many waiting messages as fit, at least one."""
        if not self._messages:
            return None
        messages = [self._messages.popleft()]
        size = len(messages[0])
        while self._messages and size + len(self._messages[0]) < self._limits.joined_bytes:
            messages.append(self._messages.popleft())
            size += len(messages[-1]) + 1
        self._bytes -= sum(map(len, messages))
        return self._codec.join(messages)
