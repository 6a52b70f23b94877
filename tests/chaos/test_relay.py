"""What a process committed and did not live to publish is published by another, and seen once.

Proves: server/relay.py, server/repair.py, server/published.py, gatehouse/crash.py.
"""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from centrifuge import Client
from redis.asyncio import Redis

from domain.kernel.caller import SERVICE
from gatehouse.embedded.address import free_port
from gatehouse.embedded.child import Child
from gatehouse.parts import process_of
from tests.chaos.world import World, world
from tests.eventually import eventually
from tests.sdk import Seen

PERSON = {"email": "manager@example.com", "password": "a password of tests"}


@dataclass
class House:
    """Hubs on one Redis, a manager who follows the zones at the first of them, and what they have seen."""

    world: World
    redis_url: str
    site_id: int
    http: httpx2.AsyncClient
    token: str = ""

    async def hub(self, crash_at: str = "") -> tuple[str, Child]:
        port = free_port()
        child = await self.world.gatehouse(
            "serve", crash_at=crash_at, PORT=str(port), REDIS_URL=self.redis_url
        )
        url = f"http://127.0.0.1:{port}"

        async def ready() -> bool:
            try:
                return (await self.http.get(f"{url}/health/ready")).status_code == 200
            except httpx2.TransportError:
                return False

        await eventually(ready, timeout_s=20)
        return url, child

    async def work(self) -> Child:
        return await self.world.gatehouse("work", REDIS_URL=self.redis_url)

    async def make_zone_and_die(self, url: str, child: Child) -> None:
        with pytest.raises(httpx2.TransportError):
            await self.http.post(
                f"{url}/zones",
                json={"siteId": self.site_id, "name": "roof"},
                headers={"Authorization": f"Bearer {self.token}"},
            )
        assert await child.wait() == -signal.SIGKILL

    async def unpublished(self) -> int:
        return int((await self.world.ask("SELECT count(*) FROM unpublished"))[0][0])

    async def nothing_is_unpublished(self) -> bool:
        return await self.unpublished() == 0


@asynccontextmanager
async def house(folder: Path, database: str, redis_url: str) -> AsyncIterator[tuple[House, Seen]]:
    async with world(folder, database, gates=0) as made, httpx2.AsyncClient(trust_env=False) as http:
        (site_id,) = (await made.ask("SELECT id FROM sites"))[0]
        async with process_of(made.settings) as process:
            roles = [{"role": "manager", "siteId": site_id}]
            person = {"username": "manager", **PERSON, "roles": roles}
            await process.runtime.call(SERVICE, "identity.create_user", person)
        await made.ask("DELETE FROM unpublished")
        those = House(made, redis_url, site_id, http)
        url, _ = await those.hub()
        those.token = (await http.post(f"{url}/auth/login", json=PERSON)).json()["accessToken"]
        seen = Seen()
        async with following(url, those.token, f"occupancy:{site_id}", seen):
            yield those, seen


@asynccontextmanager
async def following(url: str, token: str, channel: str, seen: Seen) -> AsyncIterator[None]:
    async def get_token() -> str:
        return token

    address = url.replace("http", "ws") + "/connection/websocket"
    client = Client(address, events=Seen(), token=token, get_token=get_token)
    await client.connect()
    try:
        await client.ready(timeout=10)
        subscription = client.new_subscription(channel, events=seen)
        await subscription.subscribe()
        await subscription.ready(timeout=10)
        yield
    finally:
        await client.disconnect()


def times_seen(seen: Seen, name: str = "roof") -> int:
    """Return in how many publications a zone of that name was."""
    items: list[Any] = [item for view in seen.views for item in (view or {}).get("items", ())]
    return sum(item["data"]["name"] == name for item in items)


@pytest.mark.crash
async def test_a_fact_whose_process_died_before_publishing_is_published_by_who_works(
    own_folder: Path, database: str, redis_url: str
):
    async with house(own_folder, database, redis_url) as (those, seen):
        await those.make_zone_and_die(*await those.hub("before_publish"))
        assert await those.unpublished() == 1
        assert times_seen(seen) == 0

        await those.work()
        await eventually(lambda: times_seen(seen), timeout_s=20)
        await eventually(those.nothing_is_unpublished)
        assert times_seen(seen) == 1


@pytest.mark.crash
@pytest.mark.parametrize(("keys_are_kept", "times"), [(True, 1), (False, 2)])
async def test_a_fact_whose_process_died_after_publishing_is_seen_once_as_long_as_keys_are_kept(
    own_folder: Path, database: str, redis_url: str, keys_are_kept: bool, times: int
):
    async with house(own_folder, database, redis_url) as (those, seen):
        await those.make_zone_and_die(*await those.hub("after_publish"))
        assert await those.unpublished() == 1
        await eventually(lambda: times_seen(seen) == 1)
        if not keys_are_kept:
            await forget_keys(redis_url)

        await those.work()
        await eventually(those.nothing_is_unpublished, timeout_s=20)
        await eventually(lambda: times_seen(seen) == times)


async def forget_keys(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        keys = [key async for key in redis.scan_iter("*once:*")]
        assert keys
        await redis.delete(*keys)
