"""A hub as a process of its own: what `gatehouse serve` has for sockets, for partners' tokens alone.

`python -m bench.fanout.hub PORT REDIS_URL`; HUB_IO_URING is read as everywhere.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from starlette.applications import Starlette

from bench.fanout.partners import NAMESPACES, SECRET
from channels.namespaces import Namespaces
from channels.redis import RedisBroker
from channels.tokens import FixedKeys, Tokens
from gatehouse import roles
from gatehouse.listening import listening
from gatehouse.told import until_told
from server.fanout import Hub
from server.partners import PartnerHost
from server.upgrade import Door


def main() -> None:
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))


async def serve(port: int, redis_url: str) -> None:
    broker = RedisBroker(redis_url)
    namespaces = Namespaces.of(NAMESPACES)
    hub = Hub(broker)
    door = Door(hub, PartnerHost(namespaces, Tokens(FixedKeys(secret=SECRET))))
    app = Starlette(lifespan=_living(hub))
    try:
        with listening("127.0.0.1", port) as listener:
            await until_told(roles.serve(app, listener, door=door, drain=hub.shutdown))
    finally:
        await broker.close()


def _living(hub: Hub):  # type: ignore[no-untyped-def]  # what Starlette takes has a long name
    @asynccontextmanager
    async def live(app: Starlette) -> AsyncIterator[None]:
        running = asyncio.create_task(hub.run())
        yield
        running.cancel()

    return live


if __name__ == "__main__":
    main()
