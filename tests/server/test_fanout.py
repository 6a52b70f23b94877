"""The hub: who follows what, one writing for many, and nothing lost when Redis goes away.

Proves: server/hub/
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from channels.broadcast import Broadcast
from channels.broker import BrokerUnavailable
from channels.limits import Limits
from channels.memory import MemoryBroker
from channels.protocol.codec import Codec
from channels.protocol.json import JsonCodec
from channels.protocol.messages import Reply
from channels.redis import RedisBroker
from channels.session import Session
from channels.stream import Publication
from server.fanout import Hub
from tests.eventually import eventually
from tests.hub_host import KEPT, Running, serving
from tests.redis_server import RedisServer
from tests.server.websocket.test_connection import Reader, client

CODEC = JsonCodec()


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


# Append the first publication once more, without a word to followers.
REMEMBER_UNHEARD = """
local body = redis.call('lindex', KEYS[1], 0)
redis.call('hincrby', KEYS[2], 'offset', 1)
redis.call('rpush', KEYS[1], body)
"""


class Line:
    """A connection that only remembers what it was handed."""

    def __init__(self) -> None:
        self.session = Session(uuid.uuid4().hex, Limits())
        self.codec: Codec = CODEC
        self.clogged = False
        self.transport: asyncio.Transport | None = None
        self.handed: list[bytes] = []

    def deliver(self, broadcast: Broadcast) -> None:
        self.handed.append(broadcast.message(CODEC))

    def perform(self) -> None:
        """Nothing is written."""


async def test_a_channel_is_followed_from_the_first_to_the_last() -> None:
    hub, lines = Hub(MemoryBroker()), [Line() for _ in range(3)]
    for line in lines:
        await hub.follow(line, "a")
    await hub.broker.publish("a", b"1")
    await eventually(lambda: all(len(line.handed) == 1 for line in lines))
    for line in lines[:2]:
        hub.unfollow(line, "a")
    await hub.broker.publish("a", b"2")
    await eventually(lambda: len(lines[2].handed) == 2)
    assert await hub.broker.followed() == {"a"}
    hub.unfollow(lines[2], "a")
    assert await hub.broker.followed() == set()
    await hub.broker.publish("a", b"3")
    assert [len(line.handed) for line in lines] == [1, 1, 2]
    assert hub.channels == 0


async def test_a_delivery_is_written_once_for_all() -> None:
    writings = 0

    class Counting(JsonCodec):
        def encode(self, reply: Reply) -> bytes:
            nonlocal writings
            writings += 1
            return super().encode(reply)

    codec, broadcast = Counting(), Broadcast("a", Publication(data=b"1"))
    messages = [broadcast.message(codec) for _ in range(100)]
    assert writings == 1
    assert all(message is messages[0] for message in messages)


async def test_concurrent_first_followers_all_hear(redis: RedisServer) -> None:
    async with serving(RedisBroker(redis.url)) as running:
        lines = [Line() for _ in range(50)]
        await asyncio.gather(*(running.hub.follow(line, "a") for line in lines))
        await running.hub.broker.publish("a", b"1")
        await eventually(lambda: all(len(line.handed) == 1 for line in lines))
        for line in lines:
            running.hub.unfollow(line, "a")
        await eventually(lambda: redis.command("pubsub", "channels") == "")


@asynccontextmanager
async def two_hubs(redis: RedisServer) -> AsyncIterator[tuple[Running, Running]]:
    async with serving(RedisBroker(redis.url)) as one, serving(RedisBroker(redis.url)) as other:
        yield one, other


@asynccontextmanager
async def following(running: Running, channel: str) -> AsyncIterator[Reader]:
    async with client(running) as (sdk, _):
        reader = Reader()
        subscription = sdk.new_subscription(channel, reader, max_resubscribe_delay=0.2)
        await subscription.subscribe()
        await subscription.ready()
        yield reader


async def test_what_one_hub_publishes_the_other_ones_follower_hears(redis: RedisServer) -> None:
    async with two_hubs(redis) as (one, other), following(other, "feed:1") as reader:
        for number in range(100):
            await one.hub.broker.publish("feed:1", b"%d" % number, history=KEPT)
        await eventually(lambda: reader.numbers == list(range(100)))


def caught_up(reader: Reader, number: int) -> None:
    assert reader.numbers == list(range(number + 1)), (reader.numbers, len(reader.subscribed))


async def test_a_broken_link_to_redis_loses_nothing_and_ends_no_subscription(redis: RedisServer) -> None:
    async with two_hubs(redis) as (one, other), following(other, "feed:1") as reader:
        publisher = RedisBroker(redis.url)
        for number in range(200):
            await publisher.publish("feed:1", b"%d" % number, history=KEPT)
            if number % 15 == 10:
                await asyncio.to_thread(redis.command, "client", "kill", "type", "pubsub")
                await eventually(partial(caught_up, reader, number))
        await eventually(lambda: reader.numbers == list(range(200)))
        assert len(reader.subscribed) == 1
        assert one.hub.connections == 0
        await publisher.close()


async def test_followers_of_an_emptied_redis_take_a_fresh_view(redis: RedisServer) -> None:
    async with serving(RedisBroker(redis.url)) as running, following(running, "feed:1") as reader:
        await running.hub.broker.publish("feed:1", b"1", history=KEPT)
        await eventually(lambda: reader.numbers == [1])
        redis.kill()
        with pytest.raises(BrokerUnavailable):
            await running.hub.broker.publish("feed:1", b"lost", history=KEPT)
        await asyncio.to_thread(redis.start)
        await eventually(lambda: len(reader.subscribed) == 2)
        assert reader.subscribed[1].recovered is False
        assert reader.subscribed[1].data == {"items": []}
        await running.hub.broker.publish("feed:1", b"2", history=KEPT)
        await eventually(lambda: reader.numbers == [1, 2])
        assert reader.ended == []


async def test_a_delivery_lost_in_silence_is_found_by_the_check_of_positions(redis: RedisServer) -> None:
    async with serving(RedisBroker(redis.url)) as running, following(running, "feed:1") as reader:
        await running.hub.broker.publish("feed:1", b"1", history=KEPT)
        await eventually(lambda: reader.numbers == [1])
        redis.command("eval", REMEMBER_UNHEARD, "2", "{gatehouse:feed:1}:past", "{gatehouse:feed:1}:top")
        await running.hub.check_position("feed:1")
        await eventually(lambda: reader.numbers == [1, 1])
        assert len(reader.subscribed) == 1
