"""Redis away, emptied, restarted, standing still or cutting connections, as people at a real hub live through it.

Proves: channels/redis/
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from channels.broker import BrokerUnavailable
from channels.redis import RedisBroker
from channels.stream import HistoryPolicy
from tests.cut_link import CutLink, cut_link
from tests.eventually import eventually
from tests.hub_host import Running, serving
from tests.ledger import Ledger, keeping_ledger
from tests.redis_server import RedisServer

KEPT = HistoryPolicy(size=250, ttl_s=60)
CHANNEL = "feed:1"
GONE_S = 10.0

Publish = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@asynccontextmanager
async def followed_hub(url: str, timeout_s: float = 5.0) -> AsyncIterator[tuple[Running, list[Ledger]]]:
    """A hub and three people who follow the same channel there."""
    async with serving(RedisBroker(url, timeout_s=timeout_s)) as running, asyncio.TaskGroup() as tasks:
        ledgers: list[Ledger] = []
        over = asyncio.Event()

        async def follow(name: str) -> None:
            async with keeping_ledger(running.url, CHANNEL, token=name) as ledger:
                ledgers.append(ledger)
                await over.wait()

        for name in ("anna", "boris", "clara"):
            tasks.create_task(follow(name))
        await eventually(lambda: len(ledgers) == 3)
        try:
            yield running, ledgers
        finally:
            over.set()


@pytest.fixture
async def publish(redis: RedisServer) -> AsyncIterator[Publish]:
    """Publish numbers from a process of its own, past whatever happens to the hub's connections."""
    broker = RedisBroker(redis.url)

    async def publish(*numbers: int) -> None:
        for number in numbers:
            await broker.publish(CHANNEL, b"%d" % number, history=KEPT, key=str(number))

    yield publish
    await broker.close()


def all_have(ledgers: list[Ledger], numbers: list[int]) -> bool:
    assert [ledger.data for ledger in ledgers] == [numbers] * len(ledgers)
    return all(ledger.complete and not ledger.faults for ledger in ledgers)


def nobody_was_disturbed(ledgers: list[Ledger]) -> bool:
    return all(len(one.connections) == len(one.views) == 1 and not one.told_gaps for one in ledgers)


@pytest.mark.parametrize("gone_s", [0.0, pytest.param(GONE_S, marks=pytest.mark.crash)])
async def test_while_redis_is_out_of_reach_sockets_stay_and_nothing_is_missed(
    redis: RedisServer, publish: Publish, gone_s: float
) -> None:
    async with (
        cut_link(redis.directory / "redis.sock", redis.directory / "link.sock") as link,
        followed_hub(link.url) as (running, ledgers),
    ):
        await publish(*range(10))
        await eventually(partial(all_have, ledgers, list(range(10))))
        link.broken = True
        link.cut()
        with pytest.raises(BrokerUnavailable):
            await running.hub.broker.publish(CHANNEL, b"-1", history=KEPT)
        await publish(*range(10, 200))
        await passed(gone_s)
        assert all(ledger.data == list(range(10)) for ledger in ledgers)
        link.broken = False

        await eventually(partial(all_have, ledgers, list(range(200))))
        await publish(200)
        await eventually(partial(all_have, ledgers, list(range(201))))
        assert nobody_was_disturbed(ledgers)


async def passed(seconds: float) -> None:
    over_at = time.monotonic() + seconds
    await eventually(lambda: time.monotonic() >= over_at)


async def test_more_than_can_be_caught_up_is_told(redis: RedisServer, publish: Publish) -> None:
    async with (
        cut_link(redis.directory / "redis.sock", redis.directory / "link.sock") as link,
        followed_hub(link.url) as (_, ledgers),
    ):
        await publish(0)
        await eventually(partial(all_have, ledgers, [0]))
        link.broken = True
        link.cut()
        await publish(*range(1, 400))
        link.broken = False

        # History holds 250 of them: they are not passed off as all.
        await eventually(lambda: all(ledger.told_gaps == 1 for ledger in ledgers))
        await eventually(lambda: all(ledger.faults for ledger in ledgers))
        assert all(ledger.faults == ["history does not hold what is after 1"] for ledger in ledgers)
        await publish(400)
        await eventually(lambda: all(ledger.data == [0, 400] for ledger in ledgers))


async def test_connections_that_redis_cuts_lose_and_double_nothing(redis: RedisServer) -> None:
    async with followed_hub(redis.url) as (running, ledgers):
        for number in range(150):
            await running.hub.broker.publish(CHANNEL, b"%d" % number, history=KEPT, key=str(number))
            if number % 10 == 5:
                kind = ("normal", "pubsub")[number % 20 // 10]
                await asyncio.to_thread(redis.command, "client", "kill", "type", kind)
        await eventually(partial(all_have, ledgers, list(range(150))))
        assert nobody_was_disturbed(ledgers)


async def test_a_redis_that_stands_still_for_a_while_loses_nothing(
    redis: RedisServer, publish: Publish
) -> None:
    async with followed_hub(redis.url, timeout_s=0.5) as (running, ledgers):
        await publish(*range(10))
        redis.signal(signal.SIGSTOP)
        try:
            publishing = asyncio.create_task(publish(*range(10, 20)))
            with pytest.raises(BrokerUnavailable):
                await running.hub.broker.publish("pulse", b"1")
        finally:
            redis.signal(signal.SIGCONT)
        await publishing
        await eventually(partial(all_have, ledgers, list(range(20))))
        assert nobody_was_disturbed(ledgers)


async def test_an_emptied_redis_has_followers_begin_anew(redis: RedisServer, publish: Publish) -> None:
    async with followed_hub(redis.url) as (_, ledgers):
        await publish(*range(5))
        await eventually(partial(all_have, ledgers, list(range(5))))
        redis.flush()
        await publish(*range(5, 10))

        await eventually(partial(all_have, ledgers, list(range(5, 10))))
        for ledger in ledgers:
            assert [sorted(heard.values()) for _, heard in ledger.lives] == [[*range(5)], [*range(5, 10)]]
            assert ledger.views == [{"items": []}, {"items": []}]
            assert len(ledger.connections) == 1


async def test_a_redis_that_comes_back_without_data_has_followers_begin_anew(redis: RedisServer) -> None:
    async with followed_hub(redis.url) as (running, ledgers):
        broker = running.hub.broker
        for number in range(5):
            await broker.publish(CHANNEL, b"%d" % number, history=KEPT)
        await eventually(partial(all_have, ledgers, list(range(5))))
        redis.kill()
        await asyncio.to_thread(redis.start)

        # Nothing has to be published for them to learn of it.
        await eventually(lambda: all(len(ledger.views) == 2 for ledger in ledgers))
        await broker.publish(CHANNEL, b"5", history=KEPT)
        await eventually(partial(all_have, ledgers, [5]))
        assert all(len(ledger.lives) == 2 for ledger in ledgers)


async def test_whoever_comes_while_redis_is_away_is_let_in_once_it_is_back(
    redis: RedisServer, publish: Publish
) -> None:
    async with (
        cut_link(redis.directory / "redis.sock", redis.directory / "link.sock") as link,
        serving(RedisBroker(link.url, timeout_s=0.5)) as running,
        asyncio.TaskGroup() as tasks,
    ):
        link.broken = True
        link.cut()
        with pytest.raises(BrokerUnavailable):
            await running.hub.broker.publish(CHANNEL, b"0", history=KEPT)
        over = asyncio.Event()
        ledgers: list[Ledger] = []
        tasks.create_task(come(running, link, ledgers, over))
        await running_refuses(running)
        link.broken = False
        await eventually(lambda: len(ledgers) == 1)
        await publish(1)
        await eventually(partial(all_have, ledgers, [1]))
        over.set()


async def come(running: Running, link: CutLink, ledgers: list[Ledger], over: asyncio.Event) -> None:
    async with keeping_ledger(running.url, CHANNEL, token="dora") as ledger:
        assert not link.broken
        ledgers.append(ledger)
        await over.wait()


async def running_refuses(running: Running) -> None:
    with pytest.raises(BrokerUnavailable):
        await running.hub.broker.follow("another")
