"""What connections weigh and deliveries cost as they grow in number, at as many hubs as their open files allow."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench.fanout.house import House, Hub, Publisher
from bench.fanout.load import Load
from bench.fanout.subject import at_rest

SIZES = (100, 1_000, 10_000, 50_000)
DELIVERIES = 200_000
"""For each size, and at least the fewest messages and at most the most."""
FEWEST, MOST = 5, 400


class Growing:
    """Hubs that share a Redis, and a load of clients for each."""

    def __init__(self, hubs: list[Hub], loads: list[Load], fit: int) -> None:
        self.hubs = hubs
        self._loads = loads
        self._fit = fit
        self._held = [0] * len(hubs)
        self._publisher = Publisher(hubs[0], loads)

    async def grow(self, size: int) -> None:
        """Have so many clients: at one hub where they fit, else the same number at each."""
        for place, load in enumerate(self._loads):
            wanted = size if size <= self._fit and place == 0 else size // len(self.hubs)
            if size <= self._fit and place:
                continue
            (await load.open(wanted - self._held[place])).complete("hub")
            self._held[place] = wanted

    async def delivery_us(self) -> float:
        """Return the CPU of all hubs per delivery."""
        count = min(MOST, max(FEWEST, DELIVERIES // sum(self._held)))
        await self._publisher.publish(1)
        before = self._cpu_s()
        for _ in range(count):
            await self._publisher.publish(1)
        return (self._cpu_s() - before) / (count * sum(self._held)) * 1e6

    async def memory_at_rest(self) -> int:
        """Return the memory of all hubs."""
        return sum([await at_rest(hub.server) for hub in self.hubs])

    def _cpu_s(self) -> float:
        return sum(hub.server.cpu_s for hub in self.hubs)


@dataclass(frozen=True)
class Growth:
    """What was measured."""

    hubs: int
    memory_bytes: dict[int, int]
    """Connections → memory of all hubs together; 0 is without any."""
    delivery_us: dict[int, float]
    """Subscribers → CPU per delivery."""

    @property
    def idle_bytes(self) -> float:
        """Return the memory that each of the most connections takes."""
        most = max(self.memory_bytes)
        return (self.memory_bytes[most] - self.memory_bytes[0]) / most


async def growth(house: House, fit: int, tell: Callable[[str], None]) -> Growth:
    """Measure at each size; ``fit`` is how many connections one process may have."""
    async with AsyncExitStack() as stack:
        hubs = [await house.hub()]
        while len(hubs) * fit < SIZES[-1]:
            hubs.append(await house.hub(redis=hubs[0].redis))
        for hub in hubs:
            stack.push_async_callback(hub.stop)
        loads = [await hub.server.clients(fit) for hub in hubs]
        for load in loads:
            stack.push_async_callback(load.stop)
        growing, memory, cost = Growing(hubs, loads, fit), {}, {}
        memory[0] = await growing.memory_at_rest()
        for size in SIZES:
            tell(f"{size:,} connections")
            await growing.grow(size)
            memory[size] = await growing.memory_at_rest()
            cost[size] = await growing.delivery_us()
        return Growth(len(hubs), memory, cost)
