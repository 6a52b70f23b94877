"""Whatever falls between the log and the screens, the log is whole, and so is what screens show in the end."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis as Client

from gatehouse.embedded.redis import Redis
from simulators.control import sound
from tests.chaos.at_work import Work, at_work
from tests.chaos.screen import Screen, screen, shown
from tests.eventually import eventually
from tests.sdk import Seen

pytestmark = pytest.mark.crash
BURST = 100


async def test_a_redis_that_is_emptied_and_killed_hides_nothing_of_the_log(
    own_folder: Path, database: str, own_redis: Redis
):
    shared = {"REDIS_URL": own_redis.url}
    async with at_work(own_folder, database, roles=()) as work:
        for role in ("ingest", "work"):
            await work.made.gatehouse(role, **shared)
        async with (
            screen(work.made, **shared) as hub,
            hub.following(f"access:{hub.site_id}") as seen,
        ):
            await work.made.goes_on(by=10)
            async with Client.from_url(own_redis.url) as redis:
                await redis.flushall()
            await work.made.goes_on(by=10)
            own_redis.kill()
            await own_redis.wait()
            await work.made.goes_on(by=10)
            await own_redis.restart()
            await work.made.goes_on(by=10)
            work.over.set()
            await eventually(lambda: _all_is_shown(work, hub, seen), timeout_s=30)


async def test_a_browser_that_does_not_read_is_sent_away_and_nobody_waits_for_it(
    own_folder: Path, database: str, redis_url: str
):
    shared = {"REDIS_URL": redis_url}
    async with at_work(own_folder, database, roles=()) as work:
        await work.made.gatehouse("ingest", **shared)
        async with screen(work.made, **shared) as hub:
            channel = f"access:{hub.site_id}"
            async with hub.following(channel) as seen, hub.sleeping(channel) as sleeper:
                await work.made.goes_on(by=10)
                assert sleeper.connected()
                await asyncio.gather(*(_burst(work, place) for place in range(len(work.made.fleets))))
                await eventually(lambda: _newest_is_shown(work, seen), timeout_s=5)
                await eventually(lambda: not sleeper.connected(), timeout_s=30)
                await sleeper.read_on()
                await eventually(lambda: _newest_is_shown(work, seen), timeout_s=5)


async def _burst(work: Work, place: int) -> None:
    fleet = work.made.fleets[place]
    for turn in range(BURST):
        await sound(fleet.door, fleet.gate.gate_id, "held_open", on=turn % 2 == 0)


async def _all_is_shown(work: Work, hub: Screen, seen: Seen) -> None:
    rows = [row[0] for row in await work.made.ask("SELECT id FROM access_log ORDER BY id DESC")]
    assert await hub.log() == rows
    assert rows[0] in shown(seen)


async def _newest_is_shown(work: Work, seen: Seen) -> bool:
    return await work.count("SELECT max(id) FROM access_log") in shown(seen)
