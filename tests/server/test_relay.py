"""What commits is published in order, once, and noted; what could not be is left to the repair."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import msgspec
import pytest
from sqlalchemy import func, select, update

from channels.broker import BrokerUnavailable
from channels.memory import MemoryBroker
from channels.stream import Delivery, Publication
from domain.kernel.caller import Caller
from domain.kernel.context import Context
from domain.kernel.contexts import Catalogue
from domain.kernel.database import connect
from domain.kernel.events import Closing, Event
from domain.kernel.feeds import Feed, Feeds, Item
from domain.kernel.log import FactRow, UnpublishedRow
from domain.kernel.operations import describe
from server.process import Process, compose
from server.relay import CLOSINGS, decode_closing
from tests.eventually import eventually
from tests.toy import tools

MEMBER = Caller(roles=frozenset({"member"}), user_id=7)
SHOWN: list[list[int]] = []


class BallMoved(Event, frozen=True):
    name: ClassVar[str] = "ball.moved"
    ball_id: int
    to: int

    @property
    def closes(self) -> Closing | None:
        return Closing(self.to) if self.to < 0 else None


async def move(ctx: Context, *, to: list[int], say: str = "") -> None:
    """Move the ball."""
    for place in to:
        ctx.emit(BallMoved(ball_id=1, to=place))
    if say:
        ctx.signal("said", say)


balls = Feed("ball:{ball_id}", remembers=100)


@balls.shows(BallMoved)
async def show(ctx: Context, facts: Sequence[BallMoved]) -> dict[str, list[Item]]:
    SHOWN.append([fact.to for fact in facts])
    if any(fact.to == 13 for fact in facts):
        raise ZeroDivisionError("13 brings bad luck")
    await ctx.db.execute(select(func.now()))
    return {"ball:1": [Item(f"ball:{fact.to}", fact.to, {"to": fact.to}) for fact in facts]}


class Ears:
    """Hears everything, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def deliver(self, channel: str, delivery: Delivery) -> None:
        assert isinstance(delivery, Publication)
        self.heard.append((channel, msgspec.json.decode(delivery.data)))

    def missed(self) -> None:
        raise AssertionError("memory misses nothing")

    @property
    def places(self) -> list[int]:
        return [
            item["version"] for channel, view in self.heard if channel == "ball:1" for item in view["items"]
        ]


class Court:
    """A process that moves a ball, and what is heard of it."""

    def __init__(self, process: Process, ears: Ears) -> None:
        self.process = process
        self.ears = ears

    async def move(self, *to: int, say: str = "") -> None:
        await self.process.runtime.call(MEMBER, "ball.move", {"to": list(to), "say": say})

    async def unpublished(self) -> int:
        async with self.process.runtime.readers() as db:
            return await db.scalar(select(func.count()).select_from(UnpublishedRow)) or 0

    async def age(self, by: timedelta) -> None:
        """Let what is unpublished lie for some time already."""
        async with self.process.runtime.sessions.begin() as db:
            await db.execute(update(UnpublishedRow).values(since=UnpublishedRow.since - by))


class Fragile(MemoryBroker):
    """A broker that may be away."""

    away = False

    async def publish(self, channel: str, data: bytes, **options: Any) -> Any:
        if self.away:
            raise BrokerUnavailable("away")
        return await super().publish(channel, data, **options)


@pytest.fixture
async def court(database: str) -> AsyncIterator[Court]:
    SHOWN.clear()
    catalogue = Catalogue(
        operations={"ball.move": describe("ball.move", move, {"member"})},
        feeds=Feeds([balls]),
        events={"ball.moved": BallMoved},
        reactions={},
        jobs={},
        followers={},
    )
    broker, ears, engine = Fragile(), Ears(), connect(database)
    broker.attach(ears)
    for channel in ("ball:1", "said", CLOSINGS):
        await broker.follow(channel)
    process = compose(catalogue=catalogue, engine=engine, broker=broker, tools=tools())
    running = asyncio.create_task(process.run())
    yield Court(process, ears)
    running.cancel()
    await asyncio.wait([running])
    await engine.dispose()


async def test_a_commit_is_one_publication_and_is_out_when_the_call_returns(court: Court):
    await court.move(1, 2, 3)
    assert [channel for channel, _ in court.ears.heard] == ["ball:1"]
    assert court.ears.places == [1, 2, 3]
    await eventually(lambda: _none_left(court))


async def test_what_is_said_goes_out_unstored(court: Court):
    await court.move(say="hello")
    assert court.ears.heard == [("said", "hello")]
    assert (await court.process.broker.history("said", limit=10)).publications == ()


async def test_calls_at_once_are_told_in_the_order_of_their_facts(court: Court):
    async with asyncio.TaskGroup() as tasks:
        for place in range(20, 60):
            tasks.create_task(court.move(place))
    assert sorted(court.ears.places) == list(range(20, 60))
    assert len(SHOWN) <= 40 and court.ears.places == [place for shown in SHOWN for place in shown]


async def test_a_right_that_ends_is_announced_first(court: Court):
    await court.move(-5)
    assert [channel for channel, _ in court.ears.heard] == [CLOSINGS, "ball:1"]
    assert decode_closing(msgspec.json.encode(court.ears.heard[0][1])) == Closing(-5)


async def test_a_fact_that_cannot_be_shown_fails_no_call_and_hides_no_other(court: Court):
    await court.move(12, 13, 14)
    assert court.ears.places == [12, 14]
    await eventually(lambda: _left(court, 1))


async def test_the_repair_publishes_what_was_left_once_it_is_overdue(court: Court):
    broker = court.process.broker
    assert isinstance(broker, Fragile)
    broker.away = True
    await court.move(21, 22)
    broker.away = False
    repair = court.process.repair("tests")
    assert not await repair.publish_overdue()
    await court.age(timedelta(seconds=3))
    assert await repair.publish_overdue()
    assert court.ears.places == [21, 22] and await court.unpublished() == 0
    assert not await repair.publish_overdue()


async def test_the_repair_repeats_nothing_that_is_out(court: Court):
    await court.move(31)
    async with court.process.runtime.sessions.begin() as db:
        fact_id = await db.scalar(select(func.max(FactRow.id)))
        await db.merge(
            UnpublishedRow(fact_id=fact_id, since=court.process.runtime.clock() - timedelta(seconds=3))
        )
    await court.process.repair("tests").publish_overdue()
    assert court.ears.places == [31]


async def test_one_process_repairs_at_a_time(court: Court):
    await court.move(13)
    await court.age(timedelta(seconds=3))
    await court.process.repair("one").publish_overdue()
    SHOWN.clear()
    assert not await court.process.repair("other").publish_overdue() and SHOWN == []


async def test_a_fact_that_shows_nowhere_is_given_up_in_the_end(court: Court):
    await court.move(13)
    await court.age(timedelta(seconds=3))
    repair = court.process.repair("tests")
    assert not await repair.publish_overdue() and await court.unpublished() == 1
    async with court.process.runtime.sessions.begin() as db:
        await db.execute(update(FactRow).values(at=FactRow.at - timedelta(minutes=11)))
    assert await repair.publish_overdue() and await court.unpublished() == 0


async def test_a_broker_that_is_away_fails_no_call(court: Court):
    broker = court.process.broker
    assert isinstance(broker, Fragile)
    broker.away = True
    await court.move(41, say="x")
    assert court.ears.heard == [] and await court.unpublished() == 1


async def _none_left(court: Court) -> bool:
    return await court.unpublished() == 0


async def _left(court: Court, number: int) -> bool:
    return await court.unpublished() == number
