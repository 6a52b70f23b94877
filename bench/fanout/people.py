"""What it costs to let our own people in: `gatehouse serve` over PostgreSQL, access tokens, three feeds."""

import sys
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg

from bench.fanout.house import House
from bench.fanout.server import Recipe, Server
from bench.fanout.tools import environment
from domain.identity.rules import tokens
from domain.kernel.keys import Keys
from gatehouse.embedded.address import free_port
from gatehouse.embedded.postgres import Postgres
from gatehouse.migrate import migrate
from server.process import utc_now

SECRET = "a secret of benchmarks, long enough"
PEOPLE = 1_000
WARM = 100
FEEDS = ("access:1", "occupancy:1")
"""Beside one's own, which everybody follows from the start."""
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


async def people_us(house: House) -> float:
    """Return the CPU of the hub in µs for each who connects."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(Postgres.start(house.folder / "people"))
        await migrate(postgres.url)
        await _furnish(postgres, house.folder / "access-tokens")
        env = environment(
            ENVIRONMENT="test",
            LOG_LEVEL="WARNING",
            GATEHOUSE_DATA=str(house.folder / "data"),
            DATABASE_URL=postgres.url,
            REDIS_URL=(await house.redis()).url,
            JWT_SECRET_KEY=SECRET,
            PORT="{port}",
        )
        recipe = Recipe(
            argv=(str(Path(sys.executable).with_name("gatehouse")), "serve"),
            env=env,
            manner="centrifuge",
            path="/connection/websocket",
            tokens=house.folder / "access-tokens",
            channels=FEEDS,
        )
        server = await Server.start(recipe, free_port(), house.folder)
        stack.push_async_callback(server.stop)
        load = await server.clients(PEOPLE)
        stack.push_async_callback(load.stop)
        (await load.open(WARM)).complete("gatehouse serve")
        before = server.cpu_s
        (await load.open(PEOPLE - WARM)).complete("gatehouse serve")
        return (server.cpu_s - before) / (PEOPLE - WARM) * 1e6


async def _furnish(postgres: Postgres, file: Path) -> None:
    connection = await asyncpg.connect(postgres.url.replace("+asyncpg", ""))
    try:
        people = await connection.fetch(FURNISHED, PEOPLE)
    finally:
        await connection.close()
    keys, now = Keys(SECRET), utc_now()
    texts = (
        tokens.issue(keys, user_id=user, session_id=session, now=now, lasts_s=LASTS_S)
        for user, session in people
    )
    file.write_text("\n".join(texts) + "\n")
