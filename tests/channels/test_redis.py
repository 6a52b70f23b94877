"""What a Redis that goes away and comes back does to its followers.

Proves: channels/redis/
"""

import asyncio
from collections.abc import Iterator

import pytest

from channels.broker import BrokerUnavailable
from channels.redis import RedisBroker
from channels.stream import HistoryPolicy
from tests.channels.test_brokers import running
from tests.eventually import eventually
from tests.redis_server import RedisServer

KEPT = HistoryPolicy(size=10, ttl_s=60)


@pytest.fixture
def mortal_redis() -> Iterator[RedisServer]:
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


async def test_after_redis_came_back_the_follower_is_told_and_hears_again(mortal_redis: RedisServer) -> None:
    broker = RedisBroker(mortal_redis.url)
    async with running(broker) as heard:
        await broker.follow("news")
        before = await broker.publish("news", b"1", history=KEPT)
        await eventually(lambda: heard.data("news") == [b"1"])
        mortal_redis.kill()
        with pytest.raises(BrokerUnavailable):
            await broker.publish("news", b"lost", history=KEPT)
        assert heard.misses == 0
        await asyncio.to_thread(mortal_redis.start)
        await eventually(lambda: heard.misses == 1)
        await broker.follow("news")
        after = await broker.publish("news", b"2", history=KEPT)
        await eventually(lambda: heard.data("news") == [b"1", b"2"])
        assert after.epoch != before.epoch


async def test_following_while_redis_is_away_is_refused_in_time(mortal_redis: RedisServer) -> None:
    broker = RedisBroker(mortal_redis.url, timeout_s=0.3)
    async with running(broker):
        await broker.follow("news")
        mortal_redis.kill()
        await eventually(lambda: broker.subscribed == 0)
        with pytest.raises(BrokerUnavailable):
            await broker.follow("other")


async def test_a_broken_link_is_made_again(mortal_redis: RedisServer) -> None:
    broker = RedisBroker(mortal_redis.url)
    async with running(broker) as heard:
        await broker.follow("news")
        mortal_redis.command("client", "kill", "type", "pubsub")
        await eventually(lambda: heard.misses == 1)
        await broker.follow("news")
        await broker.publish("news", b"1")
        await eventually(lambda: heard.data("news") == [b"1"])


async def test_redis_is_subscribed_once_per_channel_and_left_after_the_last(
    mortal_redis: RedisServer,
) -> None:
    broker = RedisBroker(mortal_redis.url, prefix="p")
    async with running(broker):
        await asyncio.gather(*(broker.follow(f"c{n % 5}") for n in range(50)))
        assert mortal_redis.command("pubsub", "numsub", "{p:c0}:to").split() == ["{p:c0}:to", "1"]
        assert broker.subscribed == 5
        for number in range(5):
            broker.unfollow(f"c{number}")
        await eventually(lambda: mortal_redis.command("pubsub", "channels") == "")


async def test_what_no_hub_has_written_is_passed_over(mortal_redis: RedisServer) -> None:
    broker = RedisBroker(mortal_redis.url, prefix="p")
    async with running(broker) as heard:
        await broker.follow("news")
        for junk in ("", "junk", "1:e:junk", "x:y:z", "1:\xff:\x90"):
            mortal_redis.command("publish", "{p:news}:to", junk)
        await broker.publish("news", b"1")
        await eventually(lambda: heard.data("news") == [b"1"])


async def test_a_thousand_channels_are_followed_in_few_commands(mortal_redis: RedisServer) -> None:
    broker = RedisBroker(mortal_redis.url)
    async with running(broker) as heard:
        await asyncio.gather(*(broker.follow(f"c{n}") for n in range(1200)))
        assert broker.subscribed == 1200
        mortal_redis.command("client", "kill", "type", "pubsub")
        await eventually(lambda: heard.misses == 1 and broker.subscribed == 1200)
