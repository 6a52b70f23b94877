"""A small process that moves a ball, and everything that is heard of it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, ClassVar

import msgspec
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
from domain.kernel.log import UnpublishedRow
from domain.kernel.operations import describe
from server.orders import CONTROL, decode
from server.process import Process, compose
from tests.eventually import eventually
from tests.toy import tools

MEMBER = Caller(roles=frozenset({"member"}), user_id=7)
SHOWN: list[list[int]] = []
HEARD: list[str] = []


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


scores = Feed("score:{ball_id}")


@scores.shows(BallMoved)
async def score(ctx: Context, facts: Sequence[BallMoved]) -> dict[str, list[Item]]:
    """77 is looked at until the ball has been heard of."""
    if any(fact.to == 77 for fact in facts):
        await eventually(lambda: "ball:1" in HEARD, 2)
    return {}


class Ears:
    """Hears everything, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def deliver(self, channel: str, delivery: Delivery) -> None:
        assert isinstance(delivery, Publication)
        said = decode(delivery.data) if channel == CONTROL else msgspec.json.decode(delivery.data)
        self.heard.append((channel, said))
        HEARD.append(channel)

    def missed(self, channels: Collection[str] | None = None) -> None:
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


@asynccontextmanager
async def courting(database: str) -> AsyncIterator[Court]:
    """Run a court on a database until the block ends."""
    SHOWN.clear()
    HEARD.clear()
    catalogue = Catalogue(
        operations={"ball.move": describe("ball.move", move, {"member"})},
        feeds=Feeds([balls, scores]),
        events={"ball.moved": BallMoved},
        reactions={},
        jobs={},
        followers={},
    )
    broker, ears, engine = Fragile(), Ears(), connect(database)
    broker.attach(ears)
    for channel in ("ball:1", "said", CONTROL):
        await broker.follow(channel)
    process = compose(catalogue=catalogue, engine=engine, broker=broker, tools=tools())
    running = asyncio.create_task(process.run())
    try:
        yield Court(process, ears)
    finally:
        running.cancel()
        await asyncio.wait([running])
        await engine.dispose()
