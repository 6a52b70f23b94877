"""What it costs to let our own people in, by access tokens, to three feeds."""

from pathlib import Path

import asyncpg

from bench.fanout.house import SECRET_OF_HOUSE, House
from domain.identity.rules import tokens
from domain.kernel.keys import Keys
from gatehouse.embedded.postgres import Postgres
from server.process import utc_now

PEOPLE = 1_000
WARM = 100
FEEDS = ("access:1", "occupancy:1")
"""Beside one's own, which everybody follows from the start."""
LASTS_S = 3600

FURNISHED = """
WITH place AS (
    INSERT INTO sites (name, time_zone, shard, followed, created_at, version)
    VALUES ('Arena', 'UTC', 0, 0, now(), 1) RETURNING id
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
    tokens = house.folder / "access-tokens"
    await _furnish(house.postgres, tokens)
    hub = await house.hub(channels=FEEDS, tokens=tokens)
    load = await hub.server.clients(PEOPLE)
    try:
        (await load.open(WARM)).complete("hub")
        before = hub.server.cpu_s
        (await load.open(PEOPLE - WARM)).complete("hub")
        return (hub.server.cpu_s - before) / (PEOPLE - WARM) * 1e6
    finally:
        await load.stop()
        await hub.stop()


async def _furnish(postgres: Postgres, file: Path) -> None:
    connection = await asyncpg.connect(postgres.url.replace("+asyncpg", ""))
    try:
        people = await connection.fetch(FURNISHED, PEOPLE)
    finally:
        await connection.close()
    keys, now = Keys(SECRET_OF_HOUSE), utc_now()
    texts = (
        tokens.issue(keys, user_id=user, session_id=session, now=now, lasts_s=LASTS_S)
        for user, session in people
    )
    file.write_text("\n".join(texts) + "\n")
