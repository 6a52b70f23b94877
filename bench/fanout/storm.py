"""All clients return at once after their hub was killed and started again."""

from bench.fanout.house import House
from bench.fanout.load import Told

CLIENTS = 10_000
SPREAD_S = 1.0
"""Within which they come back; SDKs take half a second to one for the first attempt, and longer later."""


async def storm(house: House, fit: int) -> tuple[Told, float]:
    """Return how they fared, and the CPU of the new hub per client in µs."""
    count = min(CLIENTS, fit)
    hub = await house.hub("storm")
    load = await hub.server.clients(count)
    try:
        (await load.open(count)).complete("hub")
        hub.server.child.kill()
        await hub.server.child.wait()
        hub.server = await hub.server.start(hub.server.recipe, hub.server.port, house.folder)
        before = hub.server.cpu_s
        told = await load.come_back(SPREAD_S)
        if told.ready < count:
            raise RuntimeError(f"after a restart only {told.ready} of {count} clients came back")
        return told, (hub.server.cpu_s - before) / count * 1e6
    finally:
        await load.stop()
        await hub.stop()
