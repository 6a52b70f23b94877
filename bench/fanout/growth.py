"""What a delivery costs as subscribers grow in number, over as many hubs as their open files allow."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bench.fanout.house import House, Hub, Publisher
from bench.fanout.load import Load

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

    @property
    def memory_bytes(self) -> int:
        return sum(hub.server.memory_bytes for hub in self.hubs)

    def _cpu_s(self) -> float:
        return sum(hub.server.cpu_s for hub in self.hubs)


@asynccontextmanager
async def growing(house: House, fit: int, most: int) -> AsyncIterator[Growing]:
    """Start as many hubs as ``most`` clients need, where ``fit`` clients fit into one."""
    async with AsyncExitStack() as stack:
        hubs = [await house.hub()]
        stack.push_async_callback(hubs[0].stop)
        while len(hubs) * fit < most:
            hubs.append(await house.hub(redis=hubs[0].redis))
            stack.push_async_callback(hubs[-1].stop)
        loads = [await hub.server.clients(fit) for hub in hubs]
        for load in loads:
            stack.push_async_callback(load.stop)
        yield Growing(hubs, loads, fit)


async def growth(house: House, fit: int) -> tuple[dict[int, float], int]:
    """Return subscribers → µs of CPU per delivery, and how many hubs the most of them needed."""
    async with growing(house, fit, SIZES[-1]) as hubs:
        measured: dict[int, float] = {}
        for size in SIZES:
            await hubs.grow(size)
            measured[size] = await hubs.delivery_us()
        return measured, len(hubs.hubs)
