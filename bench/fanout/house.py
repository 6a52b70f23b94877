"""Hubs to measure, each `gatehouse serve` as an operator starts it, and how others publish to its clients."""

import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.fanout.load import Load, Told, message
from bench.fanout.partners import KEPT, NAMESPACES, SECRET, SHARED, write_tokens
from bench.fanout.server import Recipe, Server
from bench.fanout.tools import environment
from channels.broker import Outgoing
from channels.redis import RedisBroker
from gatehouse.embedded.address import free_port
from gatehouse.embedded.postgres import Postgres
from gatehouse.embedded.redis import Redis
from gatehouse.migrate import migrate

SECRET_OF_HOUSE = "another secret of benchmarks, long enough"
GATEHOUSE = (str(Path(sys.executable).with_name("gatehouse")), "serve")


@dataclass
class House:
    """What all hubs share."""

    folder: Path
    postgres: Postgres
    tokens: Path
    """A partner's users, one token per line."""
    stack: AsyncExitStack

    async def hub(
        self,
        *,
        redis: Redis | None = None,
        uring: str = "auto",
        channels: tuple[str, ...] = SHARED,
        tokens: Path | None = None,
    ) -> "Hub":
        """Start a hub whose clients follow these channels, on a Redis of its own unless one is given."""
        redis = redis or await self.redis()
        recipe = Recipe(
            argv=GATEHOUSE,
            env=self._settings(redis, uring),
            manner="centrifuge",
            path="/connection/websocket",
            tokens=tokens or self.tokens,
            channels=channels,
        )
        hub = Hub(await Server.start(recipe, free_port(), self.folder), RedisBroker(redis.url), redis)
        self.stack.push_async_callback(hub.stop)
        return hub

    async def redis(self) -> Redis:
        """Start an empty one."""
        return await self.stack.enter_async_context(Redis.start(self.folder / f"redis-{free_port()}"))

    def _settings(self, redis: Redis, uring: str) -> dict[str, str]:
        return environment(
            ENVIRONMENT="test",
            LOG_LEVEL="WARNING",
            GATEHOUSE_DATA=str(self.folder / "data"),
            DATABASE_URL=self.postgres.url,
            REDIS_URL=redis.url,
            JWT_SECRET_KEY=SECRET_OF_HOUSE,
            PORT="{port}",
            HUB_CONFIG=str(self.folder / "hub.json"),
            HUB_TOKEN_HMAC_SECRET=SECRET,
            HUB_IO_URING=uring,
        )


@dataclass
class Hub:
    """A hub that runs."""

    server: Server
    broker: RedisBroker
    redis: Redis

    async def stop(self) -> None:
        """End it."""
        await self.broker.close()
        await self.server.stop()


class Publisher:
    """Publishes on one channel, and waits until all clients of these loads have it."""

    def __init__(self, hub: Hub, loads: Sequence[Load]) -> None:
        self._broker = hub.broker
        self._loads = list(loads)
        self._number = 0

    async def publish(self, count: int) -> list[Told]:
        """Publish so many messages at once and return what each load tells when all have them."""
        numbers = range(self._number + 1, self._number + count + 1)
        self._number += count
        now = time.monotonic_ns()
        await self._broker.publish_many(
            [Outgoing(channel=SHARED[0], data=message(n, now), history=KEPT) for n in numbers]
        )
        return await self.arrived()

    async def arrived(self) -> list[Told]:
        """Return what each load tells when all have everything."""
        waiting = [load.expect(self._number) for load in self._loads]
        return [(await told).complete("hub") for told in waiting]

    async def send(self) -> None:
        """Publish one message and do not wait for its arrival."""
        self._number += 1
        data = message(self._number, time.monotonic_ns())
        await self._broker.publish(SHARED[0], data, history=KEPT)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """Have hubs over one database until the block ends."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(Postgres.start(folder))
        await migrate(postgres.url)
        (folder / "hub.json").write_bytes(msgspec.json.encode(NAMESPACES))
        yield House(folder, postgres, write_tokens(folder / "tokens"), stack)
