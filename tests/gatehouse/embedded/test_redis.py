"""Redis of our own."""

from pathlib import Path

import pytest
from redis.asyncio import Redis as Client

from gatehouse.embedded import redis as embedded
from gatehouse.embedded.lock import DataInUse
from gatehouse.embedded.redis import Redis
from tests.services.needs import missing


@pytest.fixture(params=["path", "wheel"])
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "wheel":
        monkeypatch.setenv("PATH", "/nowhere")
    if embedded.find_program() is None:
        missing(embedded.HOW_TO_GET)


@pytest.mark.usefixtures("program")
async def test_it_serves_again_after_a_kill_and_has_forgotten_everything(tmp_path: Path):
    async with Redis.start(tmp_path) as server, Client.from_url(server.url) as client:
        await client.set("key", "value")

        server.kill()
        await server.restart()

        assert await client.get("key") is None
        assert await client.set("key", "value")


async def test_a_second_one_in_the_same_place_is_refused(tmp_path: Path):
    async with Redis.start(tmp_path):
        with pytest.raises(DataInUse):
            async with Redis.start(tmp_path):
                pytest.fail("must not start")
