"""The servers that tests are given are empty, private, and their own when asked for."""

import asyncio
import os
import sys
from pathlib import Path

from redis.asyncio import Redis as Client
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from gatehouse.embedded.broker import Broker
from gatehouse.embedded.postgres import Postgres
from gatehouse.embedded.redis import Redis
from tests.services.needs import program

ROOT = Path(__file__).parents[2]


async def mark(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE only_mine (n int)"))
    await engine.dispose()


async def test_a_test_has_a_database_of_its_own(database: str):
    await mark(database)


async def test_another_test_has_another_one(database: str):
    await mark(database)


async def test_an_empty_database_has_no_tables(empty_database: str):
    engine = create_async_engine(empty_database)
    async with engine.connect() as connection:
        found = await connection.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
        assert found.scalar() == 0
    await engine.dispose()


async def test_redis_is_empty(redis_url: str):
    async with Client.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("key", "value")


async def test_redis_is_empty_for_the_next_one_too(redis_url: str):
    async with Client.from_url(redis_url) as client:
        assert await client.dbsize() == 0


async def test_a_test_may_kill_servers_of_its_own(
    own_postgres: Postgres, own_redis: Redis, own_mosquitto: Broker
):
    for server in (own_postgres, own_redis, own_mosquitto):
        server.kill()
        await server.wait()
        await server.restart()

    assert own_postgres.running and own_redis.running and own_mosquitto.running


def test_a_program_is_found_where_it_is():
    assert program("sh", get="a system") in {"/bin/sh", "/usr/bin/sh"}


async def test_a_missing_program_fails_in_ci_and_is_told_about_elsewhere(tmp_path: Path):
    (tmp_path / "test_it.py").write_text(
        "from tests.services.needs import program\n"
        "def test_it():\n    program('no-such-program', get='apt-get install it')\n"
    )

    in_ci = await outcome(tmp_path, CI="true")
    elsewhere = await outcome(tmp_path, CI="")

    assert "1 failed" in in_ci and "needs no-such-program: apt-get install it" in in_ci
    assert "1 skipped" in elsewhere and "needs no-such-program: apt-get install it" in elsewhere


async def outcome(folder: Path, **environment: str) -> str:
    options = ("-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", "-rsf")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", *options, str(folder)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    printed, _ = await process.communicate()
    return printed.decode()
