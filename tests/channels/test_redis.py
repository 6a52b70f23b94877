"""What a Redis that goes away and comes back does to its followers.

Proves: channels/redis/
"""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
import uvloop

from channels.broker import BrokerUnavailable, Outcome, Outgoing
from channels.redis import RedisBroker, subscriber, wire
from channels.redis.address import read_url
from channels.stream import HistoryPolicy
from gatehouse.embedded.address import free_port
from tests.channels.brokers import Recorder, running
from tests.cut_link import CutLink, cut_link
from tests.eventually import eventually
from tests.redis_server import RedisServer
from tests.services.needs import missing
from tests.tls import write_certificates

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


@asynccontextmanager
async def behind_a_link(
    redis: RedisServer, timeout_s: float = 5.0
) -> AsyncIterator[tuple[RedisBroker, CutLink]]:
    """A broker whose connections a test may cut."""
    async with cut_link(redis.directory / "redis.sock", redis.directory / "link.sock") as link:
        broker = RedisBroker(link.url, timeout_s=timeout_s)
        yield broker, link
        await broker.close()


async def test_a_publication_whose_answer_was_lost_comes_once(mortal_redis: RedisServer) -> None:
    async with behind_a_link(mortal_redis) as (broker, link), running(RedisBroker(mortal_redis.url)) as heard:
        follower = RedisBroker(mortal_redis.url)
        await broker.publish("news", b"1", history=KEPT)
        for number, key in ((2, "k"), (3, None)):
            link.deaf = True
            publishing = asyncio.create_task(broker.publish("news", b"%d" % number, history=KEPT, key=key))
            await eventually(partial(top_is, follower, number))
            link.cut()
            if key is None:
                with pytest.raises(BrokerUnavailable, match="not known"):
                    await publishing
            else:
                done = await publishing
                assert (done.offset, done.outcome) == (number, Outcome.PUBLISHED)
        past = await follower.history("news", limit=9)
        assert [p.data for p in past.publications] == [b"1", b"2", b"3"]
        again = await broker.publish("news", b"2", history=KEPT, key="k")
        assert (again.offset, again.outcome) == (2, Outcome.REPEATED)
        assert not heard.deliveries
        await follower.close()


async def top_is(broker: RedisBroker, offset: int) -> bool:
    return (await broker.history("news")).top.offset == offset


async def test_publications_keep_order_and_number_through_cut_links(mortal_redis: RedisServer) -> None:
    numbers = [b"%d" % number for number in range(2000)]
    kept = HistoryPolicy(size=len(numbers), ttl_s=60)
    async with behind_a_link(mortal_redis) as (broker, link):
        publishing = []
        for start in range(0, len(numbers), 50):
            publishing += [
                asyncio.create_task(broker.publish("news", number, history=kept, key=number.decode()))
                for number in numbers[start : start + 50]
            ]
            await eventually(partial(lambda passed: link.passed > passed, link.passed))
            if start % 100 == 0:
                link.cut()
        done = await asyncio.gather(*publishing)
        assert [d.offset for d in done] == list(range(1, len(numbers) + 1))
        assert {d.outcome for d in done} == {Outcome.PUBLISHED}
        past = await broker.history("news", limit=len(numbers))
        assert [p.data for p in past.publications] == numbers


async def test_a_redis_that_stands_still_fails_in_time_and_goes_on(mortal_redis: RedisServer) -> None:
    broker = RedisBroker(mortal_redis.url, timeout_s=0.3)
    async with running(broker) as heard:
        await broker.follow("news")
        await broker.publish("news", b"1", history=KEPT)
        mortal_redis.signal(signal.SIGSTOP)
        try:
            for _ in range(3):
                with pytest.raises(BrokerUnavailable):
                    await broker.publish("news", b"2", history=KEPT, key="k")
        finally:
            mortal_redis.signal(signal.SIGCONT)

        await eventually(partial(published, broker, b"2", "k"))
        await eventually(lambda: heard.data("news") == [b"1", b"2"])


async def published(broker: RedisBroker, data: bytes, key: str) -> bool:
    try:
        await broker.publish("news", data, history=KEPT, key=key)
    except BrokerUnavailable:
        return False
    return True


async def test_a_silent_redis_is_left_and_its_followers_are_told(
    mortal_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "PING_S", 0.02)
    monkeypatch.setattr(subscriber, "SILENCE_S", 0.2)
    broker = RedisBroker(mortal_redis.url, timeout_s=0.3)
    async with running(broker) as heard:
        await broker.follow("news")
        mortal_redis.signal(signal.SIGSTOP)
        await eventually(lambda: broker.subscribed == 0)
        mortal_redis.signal(signal.SIGCONT)
        await eventually(lambda: heard.misses > 0 and broker.subscribed == 1)
        await broker.publish("news", b"1")
        await eventually(lambda: heard.data("news") == [b"1"])


async def test_a_quiet_channel_is_no_silence(
    mortal_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "PING_S", 0.01)
    monkeypatch.setattr(subscriber, "SILENCE_S", 0.2)
    broker = RedisBroker(mortal_redis.url)
    async with running(broker) as heard:
        await broker.follow("news")
        await eventually(lambda: pings(mortal_redis) > 50)
        assert heard.misses == 0


def pings(redis: RedisServer) -> int:
    counted = re.search(r"cmdstat_ping:calls=(\d+)", redis.command("info", "commandstats"))
    return int(counted[1]) if counted else 0


async def test_forgotten_scripts_are_told_again(mortal_redis: RedisServer) -> None:
    broker = RedisBroker(mortal_redis.url)
    async with running(broker) as heard:
        await broker.follow("news")
        await broker.publish("news", b"0", history=KEPT)
        mortal_redis.command("script", "flush")
        await asyncio.gather(*(broker.publish("news", b"%d" % n, history=KEPT) for n in range(1, 9)))
        await eventually(lambda: heard.data("news") == [b"%d" % n for n in range(9)])


async def test_whoever_cancels_it_at_any_moment_is_heard(mortal_redis: RedisServer) -> None:
    for turns in range(60):
        broker = RedisBroker(mortal_redis.url)
        broker.attach(Recorder())
        task = asyncio.create_task(broker.run())
        following = asyncio.create_task(broker.follow("news"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(2):
            await asyncio.wait([task])
        assert task.cancelled()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await broker.close()
    await eventually(lambda: mortal_redis.command("client", "list").count("\n") == 0)


def test_the_event_loop_of_production_carries_it_too(mortal_redis: RedisServer) -> None:
    async def round_trip() -> list[bytes]:
        broker = RedisBroker(mortal_redis.url)
        async with running(broker) as heard:
            await broker.follow("news")
            for number in range(2000):
                await broker.publish("news", b"%d" % number, history=KEPT)
            await eventually(lambda: len(heard.deliveries) == 2000)
            return heard.data("news")

    with ThreadPoolExecutor(1) as threads:
        heard = threads.submit(lambda: uvloop.run(round_trip())).result(timeout=30)
    assert heard == [b"%d" % number for number in range(2000)]


async def test_a_flood_leaves_others_their_turn(mortal_redis: RedisServer) -> None:
    broker = RedisBroker(mortal_redis.url)
    async with running(broker) as heard:
        await broker.follow("news")
        turns: list[int] = []

        async def take_turns() -> None:
            while True:
                turns.append(len(heard.deliveries))
                await asyncio.sleep(0)

        taking = asyncio.create_task(take_turns())
        await broker.publish_many([Outgoing(channel="news", data=b"x") for _ in range(20_000)])
        await eventually(lambda: len(heard.deliveries) == 20_000)
        taking.cancel()
        assert max(later - earlier for earlier, later in pairwise(turns)) <= 2 * wire.MESSAGES_PER_TURN


async def test_redis_is_entered_as_the_address_says(mortal_redis: RedisServer) -> None:
    mortal_redis.command("acl", "setuser", "hub", "on", ">a p@ss", "~*", "&*", "+@all")
    mortal_redis.command("acl", "setuser", "default", "off")
    socket = f"{mortal_redis.directory}/redis.sock"
    broker = RedisBroker(f"unix://hub:a%20p%40ss@{socket}?db=3")
    async with running(broker) as heard:
        await broker.follow("news")
        await broker.publish("news", b"1", history=KEPT)
        await eventually(lambda: heard.data("news") == [b"1"])
    stranger = RedisBroker(f"unix://{socket}", timeout_s=0.3)
    with pytest.raises(BrokerUnavailable):
        await stranger.publish("news", b"2")
    await stranger.close()


async def test_redis_is_reached_over_tls_and_strangers_are_not_trusted(
    mortal_redis: RedisServer, tmp_path: Path
) -> None:
    write_certificates(tmp_path)
    port = free_port()
    files = {"tls-cert-file": "server.crt", "tls-key-file": "server.key", "tls-ca-cert-file": "ca.crt"}
    words = [word for name, file in files.items() for word in (name, str(tmp_path / file))]
    told = mortal_redis.command("config", "set", *words, "tls-auth-clients", "no", "tls-port", str(port))
    if told != "OK":
        missing(f"needs a Redis with TLS: {told}")
    broker = RedisBroker(f"rediss://localhost:{port}?ssl_ca_certs={tmp_path / 'ca.crt'}")
    async with running(broker) as heard:
        await broker.follow("news")
        await broker.publish("news", b"1", history=KEPT)
        await eventually(lambda: heard.data("news") == [b"1"])
    wary = RedisBroker(f"rediss://localhost:{port}", timeout_s=0.3)
    with pytest.raises(BrokerUnavailable):
        await wary.publish("news", b"2")
    await wary.close()


def test_addresses_are_read_as_people_write_them() -> None:
    def seeds(url: str) -> list[str]:
        return [str(seed) for seed in read_url(url).seeds]

    assert seeds("redis://redis") == ["redis:6379"]
    assert seeds("redis://") == ["localhost:6379"]
    assert seeds("redis://u:p@one:7000,two,[::1]:7002/5") == ["one:7000", "two:6379", "::1:7002"]
    assert seeds("unix:///run/redis.sock") == ["/run/redis.sock"]
    access = read_url("redis://:s%2Fecret@one/5")
    assert (access.user, access.password, access.database, access.tls) == ("", "s/ecret", 5, None)
    assert access.greeting() == [("AUTH", "s/ecret"), ("SELECT", 5)]
    assert read_url("rediss://one").tls is not None
    with pytest.raises(ValueError, match="http"):
        read_url("http://one")
