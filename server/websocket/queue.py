"""What waits for a client that reads more slowly than it is sent to: bounded, and thinned where a channel allows it."""

from collections import OrderedDict, deque
from collections.abc import Iterator

from channels.limits import Limits


class Queue:
    """Keep messages in order until there is room for them. It lives only while its connection is clogged."""

    __slots__ = ("_bytes", "_limits", "_messages", "_number", "_publications", "dropped")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._messages: OrderedDict[int, tuple[bytes, str | None]] = OrderedDict()
        self._publications: dict[str, deque[int]] = {}
        """The numbers of the waiting messages of each channel that may be thinned."""
        self._number = 0
        self._bytes = 0
        self.dropped = 0
        """How many publications have given way."""

    def add(self, message: bytes, channel: str | None = None, keeps: int = 0) -> bool:
        """Queue a message; False where too much waits already, so that the client has to come back and recover.

        With ``keeps``, only so many publications of ``channel`` wait, and the oldest of them gives way. A single
        message larger than the whole bound is let into an empty queue: it was asked for.
        """
        if channel is not None and keeps:
            waiting = self._publications.setdefault(channel, deque())
            while len(waiting) >= keeps or (waiting and self._is_full(len(message))):
                self._drop(waiting.popleft())
        if self._messages and self._is_full(len(message)):
            return False
        self._number += 1
        thinned = channel if keeps else None
        self._messages[self._number] = (message, thinned)
        self._bytes += len(message)
        if thinned is not None:
            self._publications[thinned].append(self._number)
        return True

    def portions(self) -> Iterator[list[bytes]]:
        """Take everything out, oldest first, as much at once as may be joined into one frame."""
        while self._messages:
            portion = [self._take()]
            room = self._limits.joined_bytes - len(portion[0])
            while self._messages and (size := self._next_size() + 1) <= room:
                portion.append(self._take())
                room -= size
            yield portion

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._messages)

    def _is_full(self, size: int) -> bool:
        limits = self._limits
        return len(self._messages) >= limits.queued_messages or self._bytes + size > limits.queued_bytes

    def _next_size(self) -> int:
        return len(next(iter(self._messages.values()))[0])

    def _take(self) -> bytes:
        _, (message, thinned) = self._messages.popitem(last=False)
        self._bytes -= len(message)
        if thinned is not None:
            self._publications[thinned].popleft()
            if not self._publications[thinned]:
                del self._publications[thinned]
        return message

    def _drop(self, number: int) -> None:
        message, _ = self._messages.pop(number)
        self._bytes -= len(message)
        self.dropped += 1
