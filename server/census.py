"""How many connections follow each channel, at all hubs together.

The broker knows who follows a channel by process only, so each hub is asked to count. A hub that does not answer in
time is left out; where the asker is the only hub, nobody is asked.
"""

import asyncio
from collections import Counter
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from channels.broker import Broker
from channels.stream import Delivery, Publication
from server import orders
from server.control import Control
from server.fanout import Hub
from server.overview import Overview

WITHIN_S: Final = 1.0


class Count(msgspec.Struct, frozen=True, array_like=True):
    """What one hub answers."""

    number: int
    uid: str
    channels: dict[str, int]


_counts = msgspec.msgpack.Decoder(Count)


class Census:
    """Asks the other hubs, and answers them."""

    def __init__(self, broker: Broker, hub: Hub, control: Control, overview: Overview) -> None:
        self._broker = broker
        self._hub = hub
        self._control = control
        self._overview = overview
        self._answers = f"&answers:{overview.uid}"
        self._asked: dict[int, _Round] = {}
        self._number = 0
        self._answering: set[asyncio.Task[None]] = set()
        control.on(orders.Census, self._answer)
        control.listen(self._answers, self._hear)

    async def take(self, pattern: str = "*") -> dict[str, int]:
        """Count at all hubs; raises BrokerUnavailable."""
        others = {one.uid for one in await self._overview.hubs()} - {self._overview.uid}
        counted = Counter(self._count(pattern))
        if others:
            for answer in await self._ask(pattern, others):
                counted.update(answer)
        return dict(counted)

    async def _ask(self, pattern: str, others: set[str]) -> list[dict[str, int]]:
        await self._broker.follow(self._answers)
        self._number += 1
        number = self._number
        asked = self._asked[number] = _Round(others)
        try:
            order = orders.Census(number=number, answer_to=self._answers, pattern=pattern)
            await self._control.give(order, lasting=False)
            async with asyncio.timeout(WITHIN_S):
                await asked.complete.wait()
        except TimeoutError:
            pass  # those who have answered count
        finally:
            del self._asked[number]
        return asked.answers

    def _hear(self, delivery: Delivery) -> None:
        if isinstance(delivery, Publication):
            count = _counts.decode(delivery.data)
            if (asked := self._asked.get(count.number)) is not None:
                asked.take(count)

    def _answer(self, order: orders.Census) -> None:
        if order.answer_to == self._answers:
            return
        count = Count(order.number, self._overview.uid, self._count(order.pattern))
        task = asyncio.create_task(self._say(order.answer_to, msgspec.msgpack.encode(count)))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _say(self, channel: str, data: bytes) -> None:
        await self._broker.publish(channel, data)

    def _count(self, pattern: str) -> dict[str, int]:
        return {
            channel: number
            for channel, number in self._hub.followers().items()
            if fnmatchcase(channel, pattern)
        }


class _Round:
    """One question under way."""

    def __init__(self, missing: set[str]) -> None:
        self._missing = set(missing)
        self.answers: list[dict[str, int]] = []
        self.complete = asyncio.Event()

    def take(self, count: Count) -> None:
        """Take the answer of one hub, once."""
        if count.uid in self._missing:
            self._missing.remove(count.uid)
            self.answers.append(count.channels)
            if not self._missing:
                self.complete.set()
