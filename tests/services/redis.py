"""Redis for tests: one per worker, emptied before each test, or one of a test's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis as Client

from gatehouse.embedded.redis import Redis, RedisMissing
from tests.services.needs import missing


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Redis]:
    """Serve in this folder, or end the test with what is missing."""
    try:
        async with Redis.start(folder) as server:
            yield server
    except RedisMissing as problem:
        missing(str(problem))


@pytest.fixture(scope="session")
async def redis_server(services_folder: Path) -> AsyncIterator[Redis]:
    """The server that the tests of this worker share. Not to be killed."""
    async with started(services_folder / "redis") as server:
        yield server


@pytest.fixture
async def redis_url(redis_server: Redis) -> str:
    """The URL of an empty Redis."""
    async with Client.from_url(redis_server.url) as client:
        await client.flushall()
    return redis_server.url


@pytest.fixture
async def own_redis(own_folder: Path) -> AsyncIterator[Redis]:
    """A server of this test alone, which it may kill."""
    async with started(own_folder) as server:
        yield server
