"""A cluster whose slots move and whose masters die, and what its followers hear.

Proves: channels/redis/servers.py, channels/redis/names.py, channels/redis/subscriber.py, channels/redis/follower.py
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest

from channels.broker import BrokerUnavailable
from channels.redis import RedisBroker
from channels.redis.names import Names
from channels.stream import HistoryPolicy, Publication
from tests.channels.brokers import Recorder, running
from tests.eventually import eventually
from tests.hub_host import serving
from tests.ledger import Ledger, keeping_ledger
from tests.redis_cluster import RedisCluster

KEPT = HistoryPolicy(size=300, ttl_s=60)
CHANNELS = [f"c{number}" for number in range(30)]


@pytest.fixture
def mortal_cluster() -> Iterator[RedisCluster]:
    cluster = RedisCluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture
async def broker(redis_cluster: RedisCluster) -> AsyncIterator[RedisBroker]:
    yield RedisBroker(redis_cluster.url, prefix=uuid.uuid4().hex)


def offsets(heard: Recorder, channel: str) -> list[int]:
    return [d.offset for c, d in heard.deliveries if c == channel and isinstance(d, Publication)]


@pytest.mark.parametrize("channel", ["news", "feed:1", "}", "a}b", "{x}y", "ümlaut", ""])
def test_all_that_a_channel_has_is_in_the_slot_that_redis_reckons(
    redis_cluster: RedisCluster, channel: str
) -> None:
    names = Names("p")
    slot = names.slot(names.delivery(channel))
    keys = [names.key(channel, kind) for kind in ("past", "top", "once:}{", "infos")]
    for key in (*keys, names.delivery(channel).decode()):
        assert redis_cluster.masters[0].command("cluster", "keyslot", key) == str(slot)
    assert names.channel(names.delivery(channel)) == channel


async def test_each_master_has_one_connection_of_deliveries(
    redis_cluster: RedisCluster, broker: RedisBroker
) -> None:
    async with running(broker) as heard:
        await asyncio.gather(*(broker.follow(channel) for channel in CHANNELS))
        subscribed = [
            dict(pair.split("=", 1) for pair in line.split())["ssub"]
            for node in redis_cluster.masters
            for line in node.command("client", "list", "type", "pubsub").splitlines()
        ]
        assert len(subscribed) == 3
        assert sum(map(int, subscribed)) == broker.subscribed == len(CHANNELS)
        for channel in CHANNELS:
            await broker.publish(channel, b"1", history=KEPT)
        await eventually(lambda: {c for c, _ in heard.deliveries} == set(CHANNELS))


async def test_a_slot_that_moves_loses_and_doubles_nothing(
    redis_cluster: RedisCluster, broker: RedisBroker
) -> None:
    moving = broker.names.slot(broker.names.delivery("news"))
    async with running(broker) as heard:
        await asyncio.gather(*(broker.follow(channel) for channel in ("news", *CHANNELS)))
        published, over = 0, asyncio.Event()

        async def publish() -> None:
            nonlocal published
            while not over.is_set():
                await broker.publish("news", b"%d" % published, history=KEPT, key=str(published))
                published += 1
                await asyncio.sleep(0.002)

        publishing = asyncio.create_task(publish())
        owner = redis_cluster.owner(moving)
        for target in [n for n in redis_cluster.masters if n is not owner] + [owner]:
            before = heard.misses, len(offsets(heard, "news"))
            await asyncio.to_thread(redis_cluster.move, moving, target)
            await eventually(partial(missed_and_heard, heard, *before))
        over.set()
        await publishing
        await broker.follow("news")
        last = await broker.publish("news", b"last", history=KEPT)
        await eventually(lambda: offsets(heard, "news")[-1] == last.offset)

        past = await broker.history("news", limit=300)
        assert last.offset == published + 1
        expected = [*(b"%d" % number for number in range(published)), b"last"]
        assert [p.data for p in past.publications] == expected[-300:]
        live = offsets(heard, "news")
        assert live == sorted(set(live))
        assert heard.doubted <= {"news"}


async def test_people_at_a_hub_notice_nothing_of_slots_that_move(redis_cluster: RedisCluster) -> None:
    broker, over = RedisBroker(redis_cluster.url, prefix=uuid.uuid4().hex), asyncio.Event()
    slot = broker.names.slot(broker.names.delivery("feed:1"))
    owner = redis_cluster.owner(slot)
    said = 0

    async def publish() -> None:
        nonlocal said
        while not over.is_set():
            await broker.publish("feed:1", b"%d" % said, history=KEPT, key=str(said))
            said += 1
            await asyncio.sleep(0.005)

    async with serving(broker) as running, keeping_ledger(running.url, "feed:1", token="anna") as ledger:
        publishing = asyncio.create_task(publish())
        for target in [n for n in redis_cluster.masters if n is not owner] + [owner]:
            await asyncio.to_thread(redis_cluster.move, slot, target)
            await eventually(partial(has_more, ledger, len(ledger.heard)))
        over.set()
        await publishing
        await eventually(lambda: ledger.data == list(range(said)))
        assert ledger.complete and not ledger.faults
        assert len(ledger.connections) == len(ledger.views) == 1


def has_more(ledger: Ledger, than: int) -> bool:
    return len(ledger.heard) > than + 3


async def test_a_slot_that_is_taken_away_and_given_back_is_doubted(
    redis_cluster: RedisCluster, broker: RedisBroker
) -> None:
    slot = broker.names.slot(broker.names.delivery("news"))
    owner = redis_cluster.owner(slot)
    async with running(broker) as heard:
        await asyncio.gather(*(broker.follow(channel) for channel in ("news", *CHANNELS)))
        # At one moment, so that no map of the cluster ever shows it.
        owner.commands(f"cluster delslots {slot}", f"cluster addslots {slot}")
        await eventually(lambda: heard.doubted == {"news"})
        await eventually(partial(goes_on, broker, "news"))
        await eventually(lambda: len(offsets(heard, "news")) > 0)


def missed_and_heard(heard: Recorder, misses: int, deliveries: int) -> bool:
    return heard.misses > misses and len(offsets(heard, "news")) > deliveries


async def test_publications_refused_while_their_slot_moves_come_once(
    redis_cluster: RedisCluster, broker: RedisBroker
) -> None:
    slot = broker.names.slot(broker.names.delivery("half"))
    source = redis_cluster.owner(slot)
    target = next(node for node in redis_cluster.masters if node is not source)
    async with running(broker):
        before = await broker.publish("half", b"1", history=KEPT)
        target.command("cluster", "setslot", slot, "importing", source.id)
        source.command("cluster", "setslot", slot, "migrating", target.id)
        try:
            publishing = asyncio.create_task(broker.publish("half", b"2", history=KEPT, key="k"))
            elsewhere = await broker.publish("pulse", b"goes on")
            assert elsewhere.offset == 0
            assert not publishing.done()
        finally:
            await asyncio.to_thread(redis_cluster.move, slot, target)
        after = await publishing
        assert (after.offset, after.epoch) == (2, before.epoch)
        assert [p.data for p in (await broker.history("half", limit=9)).publications] == [b"1", b"2"]
        await asyncio.to_thread(redis_cluster.move, slot, source)


@pytest.mark.crash
async def test_when_a_master_dies_its_followers_are_told_and_hear_its_replica(
    mortal_cluster: RedisCluster,
) -> None:
    broker = RedisBroker(mortal_cluster.url)
    async with running(broker) as heard:
        await asyncio.gather(*(broker.follow(channel) for channel in CHANNELS))
        before = {c: await broker.publish(c, b"1", history=KEPT) for c in CHANNELS}
        here = {c for c in CHANNELS if lives_at(mortal_cluster, broker, c)}
        assert 0 < len(here) < len(CHANNELS)
        assert mortal_cluster.masters[0].command("wait", 1, 5000) == "1"
        await eventually(lambda: len(heard.deliveries) == len(CHANNELS))

        mortal_cluster.masters[0].kill()
        await eventually(lambda: heard.doubted == here)
        for channel in CHANNELS:
            await eventually(partial(goes_on, broker, channel, before[channel].epoch))
        await eventually(lambda: all(offsets(heard, c)[-1] >= 2 for c in CHANNELS))


def lives_at(cluster: RedisCluster, broker: RedisBroker, channel: str) -> bool:
    return cluster.owner(broker.names.slot(broker.names.delivery(channel))) is cluster.masters[0]


async def goes_on(broker: RedisBroker, channel: str, epoch: str = "") -> bool:
    try:
        await broker.follow(channel)
        published = await broker.publish(channel, b"2", history=KEPT)
    except BrokerUnavailable:
        return False
    assert epoch in ("", published.epoch)
    return True
