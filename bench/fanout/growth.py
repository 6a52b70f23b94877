"""What connections weigh and deliveries cost as they grow in number, at as many hubs as their open files allow."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench.fanout.house import House, Publisher
from bench.fanout.load import Load
from bench.fanout.peers import floor
from bench.fanout.server import Server
from bench.fanout.subject import at_rest
from gatehouse.embedded.address import free_port

SIZES = (100, 1_000, 10_000, 50_000)
DELIVERIES = 200_000
"""For each size, and at least the fewest messages and at most the most."""
FEWEST, MOST = 5, 400


class Growing:
    """Servers of one kind, and a load of clients for each."""

    def __init__(self, servers: list[Server], loads: list[Load], fit: int) -> None:
        self._servers = servers
        self._loads = loads
        self._fit = fit
        self._held = [0] * len(servers)

    async def grow(self, size: int) -> None:
        """Have so many clients: at one server where they fit, else the same number at each."""
        for place, load in enumerate(self._loads):
            wanted = size if size <= self._fit and place == 0 else size // len(self._servers)
            if size <= self._fit and place:
                continue
            (await load.open(wanted - self._held[place])).complete("growth")
            self._held[place] = wanted

    @property
    def busy(self) -> list[Load]:
        """Those who have clients."""
        return [load for load, held in zip(self._loads, self._held, strict=True) if held]

    async def delivery_us(self, publish: Callable[[int], Awaitable[None]]) -> float:
        """Return the CPU of all servers per delivery, where ``publish`` has so many messages reach everybody."""
        count = min(MOST, max(FEWEST, DELIVERIES // sum(self._held)))
        await publish(1)
        before = self._cpu_s()
        await publish(count)
        return (self._cpu_s() - before) / (count * sum(self._held)) * 1e6

    async def memory_at_rest(self) -> int:
        """Return the memory of all servers."""
        return sum([await at_rest(server) for server in self._servers])

    def _cpu_s(self) -> float:
        return sum(server.cpu_s for server in self._servers)


@dataclass(frozen=True)
class Growth:
    """What was measured."""

    hubs: int
    memory_bytes: dict[int, int]
    """Connections → memory of all hubs together; 0 is without any."""
    delivery_us: dict[int, float]
    """Subscribers → CPU per delivery."""
    floor_us: dict[int, float]
    """The same of the floor, of as many processes."""

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
        loads = await _loads([hub.server for hub in hubs], fit, stack)
        growing, memory, cost = Growing([hub.server for hub in hubs], loads, fit), {}, {}
        publisher = Publisher(hubs[0], loads)

        async def publish(count: int) -> None:
            for _ in range(count):
                await publisher.publish(1)

        memory[0] = await growing.memory_at_rest()
        for size in SIZES:
            tell(f"{size:,} connections")
            await growing.grow(size)
            memory[size] = await growing.memory_at_rest()
            cost[size] = await growing.delivery_us(publish)
    tell("the floor")
    return Growth(len(hubs), memory, cost, await _floor(house, fit, len(hubs)))


async def _floor(house: House, fit: int, servers: int) -> dict[int, float]:
    """Return the CPU per delivery of the floor at each size."""
    async with AsyncExitStack() as stack:
        recipe = await floor()
        floors = [await Server.start(recipe, free_port(), house.folder) for _ in range(servers)]
        for one in floors:
            stack.push_async_callback(one.stop)
        loads = await _loads(floors, fit, stack)
        growing, cost = Growing(floors, loads, fit), {}

        async def publish(count: int) -> None:
            told = await asyncio.gather(*(load.publish_so_many(count) for load in growing.busy))
            for one in told:
                one.complete("floor")

        for size in SIZES:
            await growing.grow(size)
            cost[size] = await growing.delivery_us(publish)
        return cost


async def _loads(servers: list[Server], fit: int, stack: AsyncExitStack) -> list[Load]:
    loads = [await server.clients(fit) for server in servers]
    for load in loads:
        stack.push_async_callback(load.stop)
    return loads
