"""Hubs to measure, each `gatehouse serve` as an operator starts it: over PostgreSQL and Redis, with people's tokens."""

import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from bench.fanout.load import Load, Told, message
from bench.fanout.server import Recipe, Server
from bench.fanout.tools import environment
from channels.broker import Outgoing
from channels.redis import RedisBroker
from channels.stream import HistoryPolicy
from domain.identity.rules import tokens
from domain.kernel.keys import Keys
from gatehouse.embedded.address import free_port
from gatehouse.embedded.postgres import Postgres
from gatehouse.embedded.redis import Redis
from gatehouse.migrate import migrate
from server.process import utc_now

SECRET = "a secret of benchmarks, long enough"
PEOPLE = 10_000
CHANNELS = ("access:1", "occupancy:1")
"""Beside one's own channel, which everybody follows from the start."""
KEPT = HistoryPolicy(size=300, ttl_s=300)
LASTS_S = 3600

FURNISHED = """
WITH place AS (
    INSERT INTO sites (name, time_zone, created_at, version) VALUES ('Arena', 'UTC', now(), 1) RETURNING id
), people AS (
    INSERT INTO users (email, username, first_name, last_name, locale, state, created_at, version)
    SELECT 'p' || n || '@example.com', 'p' || n, 'Ada', 'Lovelace', 'en', 'active', now(), 1
    FROM generate_series(1, $1) n RETURNING id
), held AS (
    INSERT INTO role_grants (user_id, site_id, role) SELECT people.id, place.id, 'guard' FROM people, place
)
INSERT INTO sessions (user_id, salt, counter, created_at, rotated_at, expires_at, address, user_agent, version)
SELECT id, '\\x00', 1, now(), now(), now() + interval '1 day', '', '', 1 FROM people RETURNING user_id, id
"""


@dataclass
class House:
    """What all hubs share."""

    folder: Path
    postgres: Postgres
    stack: AsyncExitStack
    tokens: Path = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = self.folder / "tokens"

    async def hub(self, name: str, *, redis: Redis | None = None, uring: str = "auto") -> "Hub":
        """Start a hub, on a Redis of its own unless one is given."""
        if redis is None:
            folder = self.folder / f"redis-{free_port()}"
            redis = await self.stack.enter_async_context(Redis.start(folder))
        env = environment(
            ENVIRONMENT="test",
            LOG_LEVEL="WARNING",
            GATEHOUSE_DATA=str(self.folder / "data"),
            DATABASE_URL=self.postgres.url,
            REDIS_URL=redis.url,
            JWT_SECRET_KEY=SECRET,
            PORT="{port}",
            HUB_IO_URING=uring,
        )
        recipe = Recipe(
            name=name,
            argv=(str(Path(sys.executable).with_name("gatehouse")), "serve"),
            env=env,
            manner="centrifuge",
            path="/connection/websocket",
            tokens=self.tokens,
            channels=CHANNELS,
        )
        hub = Hub(await Server.start(recipe, free_port(), self.folder), RedisBroker(redis.url), redis)
        self.stack.push_async_callback(hub.stop)
        return hub


@dataclass
class Hub:
    """A hub that runs, and the way other processes publish to its clients."""

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
            [Outgoing(channel=CHANNELS[0], data=message(n, now), history=KEPT) for n in numbers]
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
        await self._broker.publish(CHANNELS[0], data, history=KEPT)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """Serve and furnish a house until the block ends."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(Postgres.start(folder))
        await migrate(postgres.url)
        made = House(folder, postgres, stack)
        await _furnish(made)
        yield made


async def _furnish(made: House) -> None:
    connection = await asyncpg.connect(made.postgres.url.replace("+asyncpg", ""))
    try:
        people = await connection.fetch(FURNISHED, PEOPLE)
    finally:
        await connection.close()
    keys, now = Keys(SECRET), utc_now()
    texts = [
        tokens.issue(keys, user_id=user, session_id=session, now=now, lasts_s=LASTS_S)
        for user, session in people
    ]
    made.tokens.write_text("\n".join(texts) + "\n")
