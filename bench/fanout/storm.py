"""All clients return at once after their hub was killed and started again."""

from dataclasses import dataclass
from math import inf

from bench.fanout.house import House
from bench.fanout.load import Told
from bench.fanout.server import Server

CLIENTS = 10_000
SPREAD_S = 1.0
"""Within which they come back; SDKs take half a second to one for the first attempt, and longer later."""


@dataclass(frozen=True)
class Storm:
    """How they fared."""

    clients: int
    told: Told
    cpu_us: float
    """Of the new hub for each client."""

    @property
    def slowest_s(self) -> float:
        """When the last of them was back; never where some are not."""
        return self.told.wait_longest_ms / 1000 if self.told.ready == self.clients else inf


async def storm(house: House, fit: int) -> Storm:
    """Have them return."""
    count = min(CLIENTS, fit)
    hub = await house.hub()
    load = await hub.server.clients(count)
    try:
        (await load.open(count)).complete("hub")
        hub.server.child.kill()
        await hub.server.child.wait()
        hub.server = await Server.start(hub.server.recipe, hub.server.port, house.folder)
        before = hub.server.cpu_s
        told = await load.come_back(SPREAD_S)
        return Storm(count, told, (hub.server.cpu_s - before) / count * 1e6)
    finally:
        await load.stop()
        await hub.stop()
