"""The fixture of a private Redis, shared by the folders that need one."""

from collections.abc import Iterator

import pytest

from tests.redis_server import RedisServer, redis_binary


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    binary = redis_binary()
    if binary is None:
        pytest.skip("redis-server is not installed (apt install redis-server)")
    server = RedisServer(binary)
    try:
        server.start()
        yield server
    finally:
        server.remove()
