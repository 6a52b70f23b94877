"""What every broker keeps: in memory, in Redis, in a cluster.

Proves: channels/broker.py, channels/memory.py, channels/redis/
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial

import pytest

from channels.broker import Broker, Outcome, Outgoing, Published
from channels.protocol.messages import ClientInfo
from channels.recovery import recovered
from channels.stream import HistoryPolicy, Joined, Left, Position, Publication, Version
from tests.channels.brokers import Recorder
from tests.eventually import eventually

KEPT = HistoryPolicy(size=10, ttl_s=60)


async def test_offsets_start_at_one_and_grow_by_one(broker: Broker, heard: Recorder) -> None:
    positions = [await broker.publish("news", b"{}", history=KEPT) for _ in range(3)]
    assert [p.offset for p in positions] == [1, 2, 3]
    assert len({p.epoch for p in positions}) == 1


async def test_a_follower_hears_publications_in_order_with_their_bytes(
    broker: Broker, heard: Recorder
) -> None:
    await broker.follow("news")
    payloads = [b'{"a" :  %d}' % n for n in range(20)]
    for payload in payloads:
        await broker.publish("news", payload, history=KEPT, tags={"kind": "x"})
    await eventually(lambda: len(heard.deliveries) == 20)
    assert heard.data("news") == payloads
    first = heard.deliveries[0][1]
    assert isinstance(first, Publication)
    assert (first.offset, first.tags) == (1, {"kind": "x"})
    assert abs(first.published_at - time.time()) < 60
    assert first.epoch == (await broker.history("news")).top.epoch


async def test_only_followed_channels_are_heard(broker: Broker, heard: Recorder) -> None:
    await broker.follow("a")
    await broker.follow("b")
    broker.unfollow("a")
    await broker.publish("a", b"1")
    await broker.publish("c", b"2")
    await broker.publish("b", b"3")
    await eventually(lambda: heard.data("b") == [b"3"])
    assert heard.data("a") == heard.data("c") == []


async def test_following_again_hears_again(broker: Broker, heard: Recorder) -> None:
    for number in range(20):
        await broker.follow("a")
        broker.unfollow("a")
        await broker.follow("a")
        await broker.publish("a", b"%d" % number)
        expected = [b"%d" % n for n in range(number + 1)]
        await eventually(partial(heard.heard, "a", expected))
        broker.unfollow("a")


async def test_many_follow_the_same_channel_at_once(broker: Broker, heard: Recorder) -> None:
    await asyncio.gather(*(broker.follow("news") for _ in range(50)))
    await broker.publish("news", b"1")
    await eventually(lambda: heard.data("news") == [b"1"])
    await broker.publish("news", b"2")
    await eventually(lambda: heard.data("news") == [b"1", b"2"])


async def test_without_history_nothing_is_numbered_or_kept(broker: Broker, heard: Recorder) -> None:
    position = await broker.publish("pulse", b"1")
    assert position == Published(0, "", Outcome.PUBLISHED)
    assert (await broker.history("pulse", limit=10)).publications == ()


async def test_history_is_read_from_a_position_on(broker: Broker, heard: Recorder) -> None:
    for number in range(1, 6):
        await broker.publish("news", b"%d" % number, history=KEPT)
    top = (await broker.history("news")).top
    forward = await broker.history("news", since=Position(2, top.epoch), limit=2)
    backward = await broker.history("news", since=Position(4, top.epoch), limit=2, reverse=True)
    newest = await broker.history("news", limit=2, reverse=True)
    assert [p.data for p in forward.publications] == [b"3", b"4"]
    assert [p.data for p in backward.publications] == [b"3", b"2"]
    assert [p.offset for p in newest.publications] == [5, 4]
    assert forward.top == backward.top == top == Position(5, top.epoch)
    assert (await broker.history("news", limit=0)).publications == ()


async def test_history_keeps_only_its_size(broker: Broker, heard: Recorder) -> None:
    for number in range(1, 26):
        await broker.publish("news", b"%d" % number, history=KEPT)
    past = await broker.history("news", limit=100)
    assert [p.offset for p in past.publications] == list(range(16, 26))
    assert past.top.offset == 25


async def test_history_ages_but_the_top_stays(broker: Broker, heard: Recorder) -> None:
    position = await broker.publish("news", b"1", history=HistoryPolicy(size=10, ttl_s=0.05))

    async def aged() -> bool:
        return (await broker.history("news", limit=10)).publications == ()

    await eventually(aged)
    assert (await broker.history("news")).top == position.position
    assert (await broker.publish("news", b"2", history=KEPT)).offset == 2


async def test_the_position_of_an_empty_channel_holds_for_its_first_publication(
    broker: Broker, heard: Recorder
) -> None:
    empty = (await broker.history("news")).top
    first = await broker.publish("news", b"1", history=KEPT)
    assert (empty.offset, first.offset) == (0, 1)
    assert empty.epoch == first.epoch


async def test_a_key_publishes_once(broker: Broker, heard: Recorder) -> None:
    await broker.follow("news")
    first = await broker.publish("news", b"1", history=KEPT, key="fact-1")
    again = await broker.publish("news", b"other", history=KEPT, key="fact-1")
    elsewhere = await broker.publish("other", b"1", history=KEPT, key="fact-1")
    await broker.publish("news", b"2", history=KEPT, key="fact-2")
    await eventually(lambda: heard.data("news") == [b"1", b"2"])
    assert first.position == again.position
    assert [first.outcome, again.outcome] == [Outcome.PUBLISHED, Outcome.REPEATED]
    assert elsewhere.epoch != first.epoch


async def test_a_key_publishes_once_without_history(broker: Broker, heard: Recorder) -> None:
    await broker.follow("pulse")
    for _ in range(3):
        await broker.publish("pulse", b"1", key="k")
    await broker.publish("pulse", b"2")
    await eventually(lambda: heard.data("pulse") == [b"1", b"2"])


@pytest.mark.parametrize("history", [KEPT, None])
async def test_a_version_that_is_not_newer_is_skipped(
    broker: Broker, heard: Recorder, history: HistoryPolicy | None
) -> None:
    async def publish(number: int, epoch: str = "") -> Outcome:
        data = b"%d" % number
        done = await broker.publish("state", data, history=history, version=Version(number, epoch))
        top = (await broker.history("state")).top
        assert done.position == (top if history else Position(0, ""))
        return done.outcome

    await broker.follow("state")
    outcomes = [await publish(number) for number in (9, 9, 8, 10, 2**62, 2**62 - 1)]
    new, old = Outcome.PUBLISHED, Outcome.OUTDATED
    assert outcomes == [new, old, old, new, new, old]
    outcomes = [await publish(n, e) for n, e in ((3, "b"), (3, "b"), (4, "b"), (4, ""), (1, "c"), (5, "b"))]
    assert outcomes == [new, old, new, old, new, new]
    await broker.publish("state", b"unversioned", history=history)
    assert await publish(5, "b") is old
    expected = [b"9", b"10", b"%d" % 2**62, b"3", b"4", b"1", b"5", b"unversioned"]
    await eventually(lambda: heard.data("state") == expected)


async def test_a_repeated_key_is_not_taken_for_an_old_version(broker: Broker, heard: Recorder) -> None:
    first = await broker.publish("state", b"1", history=KEPT, version=Version(1), key="k")
    again = await broker.publish("state", b"1", history=KEPT, version=Version(1), key="k")
    assert (again.outcome, again.position) == (Outcome.REPEATED, first.position)


async def test_many_are_published_at_once_each_by_its_own_rules(broker: Broker, heard: Recorder) -> None:
    for channel in ("a", "b", "pulse"):
        await broker.follow(channel)
    done = await broker.publish_many(
        [
            Outgoing(channel="a", data=b"1", history=KEPT, key="k"),
            Outgoing(channel="a", data=b"2", history=KEPT),
            Outgoing(channel="a", data=b"again", history=KEPT, key="k"),
            Outgoing(channel="b", data=b"3", history=KEPT, version=Version(2)),
            Outgoing(channel="b", data=b"old", history=KEPT, version=Version(1)),
            Outgoing(channel="pulse", data=b"4"),
        ]
    )
    assert [(p.offset, p.outcome.value) for p in done] == [
        (1, "published"),
        (2, "published"),
        (1, "repeated"),
        (1, "published"),
        (1, "outdated"),
        (0, "published"),
    ]
    await eventually(lambda: heard.data("pulse") == [b"4"])
    await eventually(lambda: heard.data("a") == [b"1", b"2"] and heard.data("b") == [b"3"])


async def test_what_is_published_without_waiting_keeps_its_order(broker: Broker, heard: Recorder) -> None:
    await broker.follow("news")
    numbers = [b"%d" % number for number in range(300)]
    await asyncio.gather(*(broker.publish("news", number, history=KEPT) for number in numbers))
    await eventually(lambda: heard.data("news") == numbers)


async def test_removed_history_cannot_be_read_and_goes_on_with_the_next_number(
    broker: Broker, heard: Recorder
) -> None:
    before = await broker.publish("news", b"1", history=KEPT)
    await broker.remove_history("news")
    past = await broker.history("news", since=Position(0, before.epoch), limit=10)
    assert (past.publications, past.top) == ((), before.position)
    assert recovered(past, Position(0, before.epoch)) is None
    assert recovered(past, before.position) == ()
    assert (await broker.publish("news", b"2", history=KEPT)).position == Position(2, before.epoch)
    await broker.remove_history("never-published")


async def test_followed_channels_are_listed_by_pattern(broker: Broker, heard: Recorder) -> None:
    names = {"chat:1", "chat:22", "news", "odd[1]*\\x", "ümlaut", "}brace{"}
    for name in names:
        await broker.follow(name)
    assert await broker.followed() == names
    assert await broker.followed("chat:*") == {"chat:1", "chat:22"}
    assert await broker.followed("chat:?") == {"chat:1"}
    assert await broker.followed("odd[1]*") == {"odd[1]*\\x"}
    assert await broker.followed("odd[1]*\\?") == {"odd[1]*\\x"}
    assert await broker.followed("new") == set()
    broker.unfollow("news")

    async def left() -> bool:
        return await broker.followed("news") == set()

    await eventually(left)


async def test_concurrent_publishers_leave_neither_gap_nor_double(broker: Broker, heard: Recorder) -> None:
    await broker.follow("news")
    await asyncio.gather(
        *(broker.publish("news", b"%d" % n, history=KEPT, key=str(n % 100)) for n in range(200))
    )
    await eventually(lambda: len(heard.deliveries) == 100)
    offsets = [d.offset for _, d in heard.deliveries if isinstance(d, Publication)]
    assert offsets == list(range(1, 101))


async def test_a_flush_starts_a_new_epoch(broker: Broker, heard: Recorder, flush: Callable[[], None]) -> None:
    await broker.follow("news")
    before = await broker.publish("news", b"1", history=KEPT)
    flush()
    after = await broker.publish("news", b"2", history=KEPT)
    assert after.offset == 1
    assert after.epoch != before.epoch
    past = await broker.history("news", since=before.position, limit=300)
    assert recovered(past, before.position) is None
    await eventually(lambda: heard.data("news") == [b"1", b"2"])


async def test_history_and_live_deliveries_agree_while_publishing_goes_on(
    broker: Broker, heard: Recorder
) -> None:
    async def publish() -> None:
        for number in range(1, 101):
            await broker.publish("news", b"%d" % number, history=HistoryPolicy(size=300, ttl_s=60))

    publishing = asyncio.create_task(publish())
    await broker.follow("news")
    past = await broker.history("news", limit=300)
    await publishing
    await eventually(lambda: heard.data("news")[-1:] == [b"100"] or past.top.offset == 100)
    live = [d.offset for _, d in heard.deliveries if isinstance(d, Publication)]
    joined = [p.offset for p in past.publications] + [o for o in live if o > past.top.offset]
    assert joined == list(range(1, 101))


async def test_joining_and_leaving_is_announced(broker: Broker, heard: Recorder) -> None:
    info = ClientInfo(user="7", client="c1")
    await broker.follow("room")
    await broker.announce("room", Joined(info))
    await broker.announce("room", Left(info))
    await eventually(lambda: len(heard.deliveries) == 2)
    assert [type(d) for _, d in heard.deliveries] == [Joined, Left]
    assert all(d.info.client == "c1" for _, d in heard.deliveries if isinstance(d, Joined | Left))
