"""Messages of one connection that the broker has not answered for: their numbers, their bound, who waits for them."""

import asyncio

NUMBERS = 65_535
_REASONS = {
    0x80: "unspecified error",
    0x83: "implementation specific error",
    0x87: "not authorized",
    0x90: "topic name invalid",
    0x91: "packet identifier in use",
    0x97: "quota exceeded",
    0x99: "payload format invalid",
}


class NotPublished(Exception):
    """A message did not reach the broker before its deadline, was refused there, or its connection went away."""


class UnderWay:
    """As many as `limit`; `room` is set when there may be place for another."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.room = asyncio.Event()
        self._last = 0
        self._waiting: dict[int, asyncio.Future[int] | None] = {}

    @property
    def full(self) -> bool:
        """Whether no other may be sent now."""
        return len(self._waiting) >= self.limit

    def begin(self) -> int:
        """Returns the number of a new message, one that no other has right now."""
        while True:
            self._last = self._last % NUMBERS + 1
            if self._last not in self._waiting:
                self._waiting[self._last] = None
                return self._last

    async def answer(self, number: int) -> int:
        """Returns the broker's reason for a message, once it says one.

        Raises:
            NotPublished: the connection was lost before.
        """
        # The broker's answer comes by the loop, so not before this await.
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        return await answered

    def end(self, number: int, reason: int) -> bool:
        """Takes the broker's answer; returns whether somebody waited for it."""
        answered = self._waiting.pop(number, None)
        self.room.set()
        if answered is None or answered.done():
            return False
        answered.set_result(reason)
        return True

    def lose(self, why: str) -> None:
        """The broker will answer nothing any more."""
        self.room.set()
        for answered in self._waiting.values():
            if answered is not None and not answered.done():
                answered.set_exception(NotPublished(f"the connection was lost: {why}"))


def words(reason: int) -> str:
    """Returns what a reason of MQTT 5 means."""
    return _REASONS.get(reason, f"reason {reason:#x}")
