"""Two hubs that share a Redis, and a back end that speaks to the first of them with `cent`."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from cent import AsyncClient

from channels.redis import RedisBroker
from tests.partner_hub import API_KEY, PartnerHub, partner_hub
from tests.redis_fixtures import redis_server
from tests.redis_server import RedisServer

__all__ = ["redis_server"]


@pytest.fixture
async def hubs(redis_server: RedisServer) -> AsyncIterator[tuple[PartnerHub, PartnerHub]]:
    prefix = f"t{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        one, other = [
            await stack.enter_async_context(
                partner_hub(RedisBroker(redis_server.url, prefix=prefix, timeout_s=1))
            )
            for _ in range(2)
        ]
        yield one, other


@pytest.fixture
async def back_end(hubs: tuple[PartnerHub, PartnerHub]) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(hubs[0].api, API_KEY) as client:
        yield client
