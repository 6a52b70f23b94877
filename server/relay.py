"""Brings facts to the channels: what a commit made known is shown, published, and noted as published.

1. What commits is published in the order of the commits of this process. Commits that arrive while others are being
   published, or (where nobody waits for them) soon after, are rendered together, so that a rush costs fewer queries
   and publications, not more.
2. Publishing never fails a call. A fact that could not be shown or published stays in ``unpublished``, where the
   repair finds it; its views are states with versions, so coming late or twice does no harm.
3. A publication's key names exactly the facts in it: the same set again does nothing, another set is never
   swallowed.
4. Rights that end (`Event.closes`) are announced before anything else, to every process.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

import msgspec
import structlog

from channels.broker import Broker
from channels.stream import HistoryPolicy
from domain.kernel.caller import SERVICE
from domain.kernel.context import Context, Signal
from domain.kernel.database import Sessions
from domain.kernel.feeds import Feeds
from domain.kernel.log import Fact
from domain.kernel.tools import Tools
from server.metrics import Metrics
from server.orders import CONTROL, KEPT, Ended, encode
from server.published import Published
from server.views import Showing, Sight, halves, merge, render, showings

logger = structlog.get_logger(__name__)

PATIENCE_S: Final = 5.0
SHOW_S: Final = 5.0
SAY_S: Final = 2.0
WAITING: Final = 10_000
TOGETHER: Final = 500
FEW, REST, LONGEST_REST_S = 50, 9, 0.25
"""After more facts than these others gather, so many times as long as the round took: a rush leaves time to writers."""
AHEAD: Final = 50
"""So many commits may wait before those who record are slowed down to the pace of publishing."""


class Commit(msgspec.Struct, frozen=True):
    """What one transaction made known; ``done`` when it is out, or left to the repair."""

    facts: Sequence[Fact]
    signals: Sequence[Signal]
    done: asyncio.Future[None]


class Relay:
    """The way out of every process that commits. ``reached`` is called at named points, for crash tests."""

    def __init__(
        self,
        feeds: Feeds,
        broker: Broker,
        readers: Sessions,
        tools: Tools,
        *,
        published: Published,
        metrics: Metrics,
        clock: Callable[[], datetime],
        reached: Callable[[str], None] = lambda point: None,
    ) -> None:
        self._reached = reached
        self._feeds = feeds
        self._broker = broker
        self._readers = readers
        self._tools = tools
        self._published = published
        self._metrics = metrics
        self._clock = clock
        self._waiting: asyncio.Queue[Commit] = asyncio.Queue(WAITING)
        self._awaited = asyncio.Event()
        self._running = False

    async def publish(self, facts: Sequence[Fact], signals: Sequence[Signal]) -> None:
        """Say what a commit made known; return when it is out, or after some seconds in any case."""
        if (commit := self._line_up(facts, signals)) is not None:
            await self._out(commit)

    async def hand_over(self, facts: Sequence[Fact], signals: Sequence[Signal]) -> None:
        """Have said what was recorded; return at once unless very much is waiting."""
        commit = self._line_up(facts, signals)
        if commit is not None and self._waiting.qsize() > AHEAD:
            await self._out(commit)

    def _line_up(self, facts: Sequence[Fact], signals: Sequence[Signal]) -> Commit | None:
        if facts:
            self._reached("before_publish")
        if not self._running:
            return None
        commit = Commit(facts, signals, asyncio.get_running_loop().create_future())
        try:
            self._waiting.put_nowait(commit)
        except asyncio.QueueFull:
            logger.error("too many commits wait to be published, the repair will", facts=len(facts))
            return None
        return commit

    async def _out(self, commit: Commit) -> None:
        self._awaited.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await commit.done

    async def run(self) -> None:
        """Publish what commits, until cancelled; what commits at other times is left to the repair."""
        self._running = True
        try:
            await self._serve()
        finally:
            self._running = False

    async def _serve(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            commits = [await self._waiting.get()]
            while not self._waiting.empty() and len(commits) < TOGETHER:
                commits.append(self._waiting.get_nowait())
            self._awaited.clear()
            began = clock()
            try:
                await self._release(commits)
            except Exception:
                logger.exception("commits could not be published, the repair will")
            finally:
                for commit in commits:
                    if not commit.done.done():
                        commit.done.set_result(None)
            if sum(len(commit.facts) for commit in commits) > FEW:
                await self._rest(REST * (clock() - began))

    async def _rest(self, for_s: float) -> None:
        """Let commits gather, until there is one that somebody waits for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(for_s, LONGEST_REST_S)):
                await self._awaited.wait()

    async def _release(self, commits: Sequence[Commit]) -> None:
        facts = [fact for commit in commits for fact in commit.facts]
        out = await self.send(facts)
        if out:
            self._reached("after_publish")
        for commit in commits:
            for signal in commit.signals:
                await self._say(signal.channel, msgspec.json.encode(signal.data))
        self._published.note(out)

    async def send(self, facts: Sequence[Fact]) -> list[int]:
        """Publish what these facts show and return what they are noted by (`Fact.noted`) where they are out.

        What one feed shows is published while the next is rendered; a channel is one feed's.
        """
        lost = set(await self._close(facts))
        async with asyncio.TaskGroup() as telling:
            told = []
            async with self._readers() as db:
                ctx = Context(caller=SERVICE, db=db, now=self._clock(), tools=self._tools)
                for of_feed in showings(self._feeds, facts):
                    sights, unseen = await self._look(ctx, of_feed)
                    lost |= unseen
                    told.append(telling.create_task(self._tell(merge(sights))))
        lost.update(*(one.result() for one in told))
        left = {fact.noted for fact in facts if fact.id in lost}
        return sorted({fact.noted for fact in facts} - left)

    async def _close(self, facts: Sequence[Fact]) -> list[int]:
        """Announce the rights that end; return the facts for which that failed."""
        ending = [(fact.id, closing) for fact in facts if (closing := fact.event.closes) is not None]
        return [
            number
            for number, closing in ending
            if not await self._say(CONTROL, encode(Ended(closing=closing)), KEPT, f"closing-{number}")
        ]

    async def _look(self, ctx: Context, left: list[Showing]) -> tuple[list[Sight], set[int]]:
        """Render what one feed shows; return what is to be seen, and the facts that could not be shown."""
        sights: list[Sight] = []
        unseen: set[int] = set()
        while left:
            showing = left.pop(0)
            try:
                async with asyncio.timeout(SHOW_S):
                    sights += await render(ctx, showing)
            except Exception as error:
                if len(showing.facts) > 1 and not isinstance(error, OSError):
                    left[:0] = halves(showing)
                    continue
                logger.exception("facts could not be shown", feed=showing.feed.template)
                unseen |= {fact.id for fact in showing.facts}
        return sights, unseen

    async def _tell(self, sights: Sequence[Sight]) -> set[int]:
        """Publish what is to be seen, and return the facts for which that failed."""
        lost: set[int] = set()
        for sight in sights:
            policy = HistoryPolicy(sight.feed.remembers, sight.feed.remembers_s)
            remembered = policy if policy.size else None
            if not await self._say(sight.channel, msgspec.json.encode(sight.view), remembered, _key(sight)):
                lost |= set(sight.facts)
        return lost

    async def _say(
        self, channel: str, data: bytes, history: HistoryPolicy | None = None, key: str | None = None
    ) -> bool:
        try:
            async with asyncio.timeout(SAY_S):
                await self._broker.publish(channel, data, history=history, key=key)
        except Exception:
            logger.exception("publication failed", channel=channel)
            self._metrics.failed_to_publish()
            return False
        self._metrics.published()
        return True


def _key(sight: Sight) -> str:
    return hashlib.blake2b(",".join(map(str, sight.facts)).encode(), digest_size=12).hexdigest()
