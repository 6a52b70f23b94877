"""What takes part in the rounds: a server with its clients, and how a message gets to all of them."""

import asyncio
import time
from dataclasses import dataclass, field
from statistics import median

from bench.fanout.house import Hub, Publisher
from bench.fanout.load import Load, Told
from bench.fanout.server import Server
from bench.fanout.tools import Missing

SUBSCRIBERS = 1_000
IDLE = 2_000
IDLE_OF_HUB = 4_000
SETTLE_S = 0.3
SLOW_US = 100.0
MOST_LOOKS = 5
SETTLED_BYTES = 100_000


@dataclass
class Subject:
    """A server, its clients, and what was measured round by round."""

    name: str
    server: Server
    load: Load
    hub: Hub | None = None
    publisher: Publisher | None = None
    idle_bytes: float = 0.0
    join_us: float = 0.0
    """CPU of taking a client in until it is subscribed."""
    delivery_us: dict[int, list[float]] = field(default_factory=dict)
    """Burst → CPU per delivery, one figure per round."""

    @property
    def is_slow(self) -> bool:
        """Whether one round of it tells enough, and more would take the time of all others."""
        return median(self.delivery_us.get(1, [0.0])) > SLOW_US

    async def measure(self, seconds: float, burst: int) -> None:
        """Take part in a round."""
        before = self.server.cpu_s
        deliveries = await self.deliver(seconds, burst)
        spent = self.server.cpu_s - before
        self.delivery_us.setdefault(burst, []).append(spent / deliveries * 1e6)

    async def deliver(self, seconds: float, burst: int) -> int:
        """Publish bursts, each as soon as everybody has the one before; return how many deliveries came of it."""
        if self.publisher is None:
            told = await self.load.publish(seconds, burst)
            return told.complete(self.name, spared=SUBSCRIBERS // 100).deliveries
        until, deliveries = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            deliveries += sum(told.deliveries for told in await self.publisher.publish(burst))
        return deliveries

    async def stop(self) -> None:
        """End clients and server."""
        await self.load.stop()
        await self.server.stop()


async def subject(name: str, server: Server, hub: Hub | None = None) -> Subject:
    """Connect its clients, and measure meanwhile what they cost while they come and while they rest.

    Raises:
        Missing: The server did not take all of them.
    """
    idle = IDLE_OF_HUB if hub else IDLE
    load = await server.clients(SUBSCRIBERS + idle)
    _all_in(name, await load.open(SUBSCRIBERS))
    memory, cpu = await at_rest(server), server.cpu_s
    _all_in(name, await load.open(idle))
    join_us = (server.cpu_s - cpu) / idle * 1e6
    idle_bytes = (await at_rest(server) - memory) / idle
    await load.drop(idle)
    publisher = Publisher(hub, [load]) if hub else None
    return Subject(name, server, load, hub, publisher, idle_bytes, join_us)


def _all_in(name: str, told: Told) -> None:
    if told.refused or told.fallen > told.ready / 100:
        raise Missing(f"{name} refused {told.refused} clients and lost {told.fallen}")


async def at_rest(server: Server) -> int:
    """Return the memory once it does not change any more, or after some seconds."""
    before = -1
    for _ in range(MOST_LOOKS):
        await asyncio.sleep(SETTLE_S)
        now = server.memory_bytes
        if abs(now - before) < SETTLED_BYTES:
            break
        before = now
    return now
