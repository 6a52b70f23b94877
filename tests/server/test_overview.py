"""What hubs know of each other, over the brokers that they share.

Proves: server/overview.py, domain/kernel/hubs.py
"""

import asyncio
from collections.abc import AsyncIterator
from copy import copy
from functools import partial
from pathlib import Path

import pytest

from channels.broker import BrokerUnavailable
from channels.memory import MemoryBroker
from channels.redis.broker import RedisBroker
from server.hub_numbers import HubNumbers
from server.overview import STALE_S, Overview, percentile
from tests.eventually import eventually


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[tuple[RedisBroker, RedisBroker]]:
    """Two processes' ways to one Redis."""
    one, other = RedisBroker(redis_url), RedisBroker(redis_url)
    yield one, other
    await one.close()
    await other.close()


async def test_each_hub_sees_the_sum_of_all(redis: tuple[RedisBroker, RedisBroker], clock: Clock):
    overviews = [Overview(broker, wall=clock) for broker in redis]
    numbers = [HubNumbers(), HubNumbers()]
    for overview, counted in zip(overviews, numbers, strict=True):
        overview.watch(partial(copy, counted))
    numbers[0].enter("json")
    numbers[1].enter("json")
    numbers[1].enter("protobuf")
    for _ in range(2):
        for overview in overviews:
            await overview.beat()
        clock.now += 2
        numbers[0].deliveries += 100
        numbers[1].deliveries += 300
        numbers[1].delivered(0.004)
    for overview in (*overviews, overviews[0]):  # the first has not heard the last word of the other
        await overview.beat()
    for overview in overviews:
        seen = overview.seen()
        assert seen.complete and {hub.uid for hub in seen.hubs} == {one.uid for one in overviews}
        assert seen.totals.connections == {"json": 2, "protobuf": 1}
        assert seen.totals.deliveries == 800
    # The last to look has seen both reports of this round.
    latest = overviews[1].seen().samples[-1]
    assert (latest.hubs, latest.connections, latest.deliveries_per_s) == (2, 3, 200.0)
    assert latest.p99_s is not None and 0.002 < latest.p99_s <= 0.005
    assert sum(bar.publications for bar in overviews[1].seen().totals.latencies) == 2


async def test_a_hub_that_comes_or_goes_makes_no_jump(clock: Clock):
    broker = MemoryBroker()
    old, new = Overview(broker, wall=clock), Overview(broker, wall=clock)
    await old.beat()
    clock.now += 2
    new.watch(lambda: HubNumbers(deliveries=1_000_000))
    await new.beat()
    await old.beat()
    assert old.seen().samples[-1].hubs == 2 and old.seen().samples[-1].deliveries_per_s == 0
    clock.now += STALE_S + 0.1  # it was killed: its card is still there
    await old.beat()
    assert [hub.uid for hub in old.seen().hubs] == [old.uid] and old.seen().samples[-1].deliveries_per_s == 0


async def test_a_hub_that_ends_is_gone_at_once():
    broker = MemoryBroker()
    ending, watching = Overview(broker), Overview(broker)
    running = asyncio.create_task(ending.run())
    await eventually(lambda: bool(ending.seen().samples))
    await watching.beat()
    assert len(watching.seen().hubs) == 2
    running.cancel()
    await asyncio.wait([running])
    await watching.beat()
    assert [hub.uid for hub in watching.seen().hubs] == [watching.uid]


async def test_without_the_broker_a_hub_shows_itself_and_says_so(tmp_path: Path):
    broker = RedisBroker(f"unix://{tmp_path}/nowhere.sock", timeout_s=0.2)
    with pytest.raises(BrokerUnavailable):
        await broker.history("a")
    overview = Overview(broker)
    overview.watch(lambda: HubNumbers(subscriptions=5))
    await overview.beat()
    seen = overview.seen()
    assert not seen.complete and [hub.subscriptions for hub in seen.hubs] == [5]
    await broker.close()


@pytest.mark.parametrize(
    ("latencies", "part", "expected"),
    [
        ([0] * 14, 0.5, None),
        ([4] + [0] * 13, 0.5, 0.00025),
        ([0, 0, 10] + [0] * 11, 0.99, 0.00199),
        ([0] * 13 + [3], 0.99, 5.0),
        ([99] + [0] * 9 + [1] + [0] * 3, 0.5, 0.0005 * 50 / 99),
        ([98] + [0] * 9 + [2] + [0] * 3, 0.99, 0.75),
    ],
)
def test_a_percentile_lies_within_its_bar(latencies: list[int], part: float, expected: float | None):
    found = percentile(latencies, part)
    assert found is None if expected is None else found == pytest.approx(expected)
