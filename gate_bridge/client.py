"""A client of the broker that mends itself: reconnects with back-off, keeps a bounded inbox, acks what is meant.

1. Each connection has a *generation*. A message is acknowledged only on the connection it came by (another
   may give its number to another message); acks of an old one are dropped, for the message comes again.
2. The inbox is bounded. Full, the socket is no longer read, and the broker keeps the rest; it is read again
   when the inbox is half empty. When a connection is lost its unacknowledged messages leave the inbox: the
   broker sends them again. A reader stuck for longer than the keepalive loses the connection, not messages.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Literal

from msgspec import Struct

from gate_bridge.connection import Connection
from gate_bridge.inbox import Closed, Inbox, Received
from gate_bridge.settings import Outdated, Refused, Settings
from gate_bridge.under_way import NotPublished
from gate_bridge.wire import NO_PROPERTIES, Properties

__all__ = ["Client", "Closed", "Counts", "NotPublished", "Received", "Refused", "Settings"]

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
STABLE_AFTER_S = 10.0
"""A connection that held this long starts the back-off anew; two clients of one name do not duel at full speed."""
TICK_S = 1.0


class Counts(Struct):
    """What the client has seen so far, for metrics."""

    received: int = 0
    acknowledged: int = 0
    stale_acks: int = 0
    connections: int = 0
    pauses: int = 0


class Client:
    """A client of the broker: `run` it in a task group, read it from one task, publish from any.

    `before_connect` is awaited before each attempt (a lease is asserted there); what it raises ends `run`.
    """

    def __init__(
        self, settings: Settings, *, before_connect: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.settings = settings
        self.counts = Counts()
        self._before_connect = before_connect
        self._connection: Connection | None = None
        self._generation = 0
        self._inbox = Inbox(settings.inbox, pause=self._pause, resume=self._resume)
        self._up = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether messages come and go right now."""
        return self._up.is_set()

    @property
    def waiting(self) -> int:
        """How many messages nobody has taken yet."""
        return len(self._inbox)

    async def wait_connected(self, deadline_s: float) -> None:
        """Returns once connected and subscribed, or raises TimeoutError."""
        async with asyncio.timeout(deadline_s):
            await self._up.wait()

    async def run(self) -> None:
        """Stays connected until cancelled, then says goodbye to the broker."""
        pause_s = FIRST_PAUSE_S
        loop = asyncio.get_running_loop()
        try:
            while True:
                if self._before_connect is not None:
                    await self._before_connect()
                started = loop.time()
                await self._one_connection()
                pause_s = FIRST_PAUSE_S if loop.time() - started > STABLE_AFTER_S else pause_s
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        finally:
            self._inbox.close()

    async def _one_connection(self) -> None:
        """Greets in MQTT 5 each time anew: a broker that learned it meanwhile is not held to what it once said."""
        if self.settings.version == "5":
            try:
                await self._live(five=True)
                return
            except Outdated:
                logger.info("%s speaks MQTT 3.1.1, for the broker has no 5", self.settings.client_id)
        await self._live(five=False)

    async def _live(self, *, five: bool) -> None:
        self._generation += 1
        connection = Connection(self.settings, self._generation, self._deliver, five=five)
        name = self.settings.client_id
        self._connection = connection
        try:
            await connection.open()
            self.counts.connections += 1
            self._up.set()
            logger.info("%s is connected to the broker (connection %d)", name, connection.generation)
            while not connection.lost.done():
                await asyncio.wait([connection.lost], timeout=TICK_S)
                connection.tick()
            logger.warning("%s lost the broker: %s", name, connection.lost.result())
        except (OSError, Refused) as error:
            logger.warning("%s cannot reach the broker: %s", name, str(error) or type(error).__name__)
        finally:
            self._up.clear()
            self._connection = None
            connection.close()
            self._inbox.drop_unacknowledged()

    def _deliver(self, message: Received) -> None:
        self.counts.received += 1
        self._inbox.put(message)

    def _pause(self) -> None:
        if self._connection is not None:
            self.counts.pauses += self._connection.pause()

    def _resume(self) -> None:
        if self._connection is not None:
            self._connection.resume()

    async def batch(
        self, *, limit: int = 500, linger_s: float = 0.005, patience_s: float | None = None
    ) -> list[Received]:
        """Returns the next messages: `Inbox.batch`."""
        return await self._inbox.batch(limit=limit, linger_s=linger_s, patience_s=patience_s)

    def batches(self, *, limit: int = 500, linger_s: float = 0.005) -> AsyncIterator[list[Received]]:
        """Yields batches until the client ends."""
        return self._inbox.batches(limit=limit, linger_s=linger_s)

    def __aiter__(self) -> AsyncIterator[Received]:
        return self._messages()

    async def _messages(self) -> AsyncIterator[Received]:
        async for taken in self.batches(limit=1, linger_s=0):
            yield taken[0]

    def ack(self, messages: Iterable[Received]) -> None:
        """Tells the broker to forget these; those of a lost connection are skipped, for they come again."""
        connection = self._connection
        numbers = list[int]()
        for message in messages:
            if message.qos == 0:
                continue
            if connection is not None and connection.generation == message.generation:
                numbers.append(message.number)
            else:
                self.counts.stale_acks += 1
        if connection is not None and numbers:
            self.counts.acknowledged += len(numbers)
            connection.acknowledge(numbers)

    def post(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: Literal[0, 1] = 0,
        retained: bool = False,
        properties: Properties = NO_PROPERTIES,
    ) -> bool:
        """Hands a message over right now and returns whether there was somebody to take it; never queues it."""
        connection = self._connection if self._up.is_set() else None
        return (
            connection is not None and connection.post(topic, payload, qos, retained, properties) is not None
        )

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: Literal[0, 1] = 1,
        retained: bool = False,
        properties: Properties = NO_PROPERTIES,
        deadline_s: float = 5.0,
    ) -> None:
        """Returns when the broker has the message.

        Raises:
            NotPublished: not in time, refused by the broker, or the connection went away meanwhile.
        """
        try:
            async with asyncio.timeout(deadline_s):
                await self._up.wait()
                connection = self._connection
                if connection is None:
                    raise NotPublished(f"{topic}: the connection is gone")
                await connection.publish(topic, payload, qos, retained, properties)
        except TimeoutError:
            raise NotPublished(f"{topic}: the broker did not take it within {deadline_s} s") from None
