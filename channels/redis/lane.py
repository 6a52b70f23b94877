"""Commands to one server, in the order they are asked, over one connection that is made again when it breaks.

1. What is asked within one tick of the event loop is written at once: a hundred publications are one round trip.
2. A command that was written when the connection broke is written again only if doing it twice does no harm
   (`Request.repeatable`); it keeps its place. Any other fails, since nobody can know whether it was done.
3. A gap shorter than `BRIDGED_S` is waited out; while it lasts longer, what is asked fails at once.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from channels.broker import BrokerUnavailable
from channels.redis.address import Address
from channels.redis.scripts import Script
from channels.redis.wire import Refusal, Wire, Words, pack

logger = logging.getLogger(__name__)

BRIDGED_S: Final = 1.0
FIRST_PAUSE_S: Final = 0.02
LONGEST_PAUSE_S: Final = 1.0
SWEEPS_PER_TIMEOUT: Final = 20


class Request:
    """One command and who waits for its answer."""

    __slots__ = ("_words", "answer", "channel", "deadline", "packed", "reading", "repeatable")

    def __init__(
        self,
        words: Words,
        *,
        channel: str,
        deadline: float,
        repeatable: bool = True,
        reading: bool = False,
    ) -> None:
        self.channel = channel
        """Whose server is to answer; empty for what is asked of one server and no other."""
        self.deadline = deadline
        self.reading = reading
        self.repeatable = repeatable
        self.packed = pack(words)
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._words = words

    def spell_out(self, scripts: Sequence[Script]) -> None:
        """Bring the whole script, for a server that has forgotten it."""
        body = next(script.body for script in scripts if script.sha == self._words[1])
        self.packed = pack(("EVAL", body, *self._words[2:]))

    def settle(self, answer: Any) -> None:
        """Answer; whoever does not wait any more is not answered."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Answer that it was not done, or not known to be done."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Lane:
    """Keep commands in order, through breaks of the connection."""

    def __init__(
        self,
        address: Address,
        connect: Callable[[Address], Awaitable[Wire]],
        *,
        refused: Callable[["Lane", Request, Refusal], None],
        broke: Callable[[], None],
        timeout_s: float,
    ) -> None:
        self.address = address
        self._connect = connect
        self._refused = refused
        self._broke = broke
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._wire: Wire | None = None
        self._waiting: deque[Request] = deque()
        self._written: deque[Request] = deque()
        self._down_since: float | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._flushing: asyncio.Handle | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = False

    def ask(self, *requests: Request) -> None:
        """Send these, next to each other; the answer comes to each request's future."""
        if self._closed or self._is_down():
            error = BrokerUnavailable(f"Redis at {self.address} cannot be reached")
            for request in requests:
                request.fail(error)
            return
        self._waiting.extend(requests)
        if self._wire is None:
            self._reconnect()
        elif self._flushing is None:
            self._flushing = self._loop.call_soon(self._flush)

    def take_back(self) -> list[Request]:
        """Close, and hand out what may be asked elsewhere."""
        left = [request for request in self._unfinished() if not request.answer.done()]
        self._waiting.clear()
        self._close()
        return left

    async def close(self) -> None:
        """Close; what was not answered fails."""
        for request in self.take_back():
            request.fail(BrokerUnavailable("the broker was closed"))
        if self._connecting is not None:
            await asyncio.gather(self._connecting, return_exceptions=True)

    def _close(self) -> None:
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._sweeping is not None:
            self._sweeping.cancel()
        if self._wire is not None:
            self._wire.abort()

    # Writing and reading

    def _flush(self) -> None:
        self._flushing = None
        if self._wire is None:
            return
        wanted = [request for request in self._waiting if not request.answer.done()]
        self._waiting.clear()
        self._written.extend(wanted)
        self._wire.write(b"".join([request.packed for request in wanted]))
        if self._sweeping is None:
            self._sweep_soon()

    def _take(self, message: Any) -> None:
        request = self._written.popleft()
        if isinstance(message, Refusal):
            self._refused(self, request, message)
        else:
            request.settle(message)

    # Breaks

    def _is_down(self) -> bool:
        """Whether it has been in vain for long; a first attempt that is under way is not in vain yet."""
        return self._down_since is not None and self._loop.time() - self._down_since > BRIDGED_S

    def _ended(self) -> None:
        self._wire = None
        self._waiting.extend(self._unfinished())
        if not self._closed:
            self._broke()
            if self._waiting:
                self._reconnect()

    def _unfinished(self) -> list[Request]:
        """Take out what is not answered, in order, without what must not be asked again."""
        doubtful = BrokerUnavailable("the connection broke, and it is not known whether Redis has done it")
        again = [request for request in self._written if request.repeatable]
        for request in self._written:
            if not request.repeatable:
                request.fail(doubtful)
        again += self._waiting
        self._written.clear()
        self._waiting.clear()
        return again

    def _reconnect(self) -> None:
        if self._connecting is None or self._connecting.done():
            self._connecting = self._loop.create_task(self._stay_at_it())

    async def _stay_at_it(self) -> None:
        pause_s, began = FIRST_PAUSE_S, self._loop.time()
        while True:
            try:
                if self._begin(await self._connect(self.address)):
                    return
            except (OSError, TimeoutError, Refusal) as error:
                if pause_s == FIRST_PAUSE_S:
                    logger.warning("Redis at %s cannot be reached: %s", self.address, error)
                self._down_since = began
                self._broke()
                self._give_up(error)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _begin(self, wire: Wire) -> bool:
        if not wire.begin(self._take, self._ended):
            return False
        self._wire = wire
        self._down_since = None
        self._flush()
        return True

    def _give_up(self, error: Exception) -> None:
        if self._is_down():
            for request in self._waiting:
                request.fail(BrokerUnavailable(f"Redis at {self.address} cannot be reached: {error}"))
            self._waiting.clear()

    # Time

    def _sweep_soon(self) -> None:
        self._sweeping = self._loop.call_later(self._timeout_s / SWEEPS_PER_TIMEOUT, self._sweep)

    def _sweep(self) -> None:
        """Let go of what was not answered in time, and of a connection that says nothing at all."""
        self._sweeping = None
        now = self._loop.time()
        for request in self._written:
            if request.deadline > now:
                break
            request.fail(BrokerUnavailable("Redis did not answer in time"))
        silent = self._written and self._written[0].deadline <= now
        if silent and self._wire is not None and now - self._wire.heard_at > self._timeout_s:
            self._wire.abort()
        elif self._written:
            self._sweep_soon()
