"""Lists of passes, given to gates: changes and heads to all of a site, and to one that missed something what it misses.

Publishing remembers nothing; the database knows what is out, and two who publish do no harm. Answers are given by one
process, for each costs a reading of the list.
"""

import asyncio
import logging
import os
import time
from collections import OrderedDict, deque
from typing import Any

import msgspec

from domain.access.operations.list_publishing import ListAnswer, PublishedList, SiteList
from domain.kernel.caller import SERVICE
from gate_bridge import wire
from gate_bridge.calls import Asks
from gate_bridge.client import Client, NotPublished, Received, Settings
from gate_bridge.intake import poisoned

logger = logging.getLogger(__name__)

SUBSCRIPTIONS = ((wire.every("up/al/get"), wire.QOS["up/al/get"]),)
LOOK_EVERY_S = 0.1
"""Half of this is what a revocation waits on average before it is on its way."""
AFTER_FAILURE_S = 1.0
AT_ONCE = 8
"""Gates answered at the same time; further ones wait in the bounded inbox, and ask again."""
ASKS, WITHIN_S = 5, 10.0
"""A gate that asks more often is not heard."""
REMEMBERED = 10_000
FRESH_S = 1.0
"""For so long an answer is good for other gates that ask the same: after an outage hundreds do."""
KEPT = 4


class Lists:
    """Gives the broker what the database has for gates; `run` it in one process (two do no harm)."""

    def __init__(self, url: str, ask: Asks, *, ca_file: str | None = None) -> None:
        self._client = Client(_settings(url, ca_file))
        self._ask = ask

    async def run(self) -> None:
        """Look for lists that are not out, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._client.run(), name="lists connection")
            while True:
                pause_s = LOOK_EVERY_S
                try:
                    await self._publish()
                except NotPublished as error:
                    logger.warning("lists wait: %s", error)
                    pause_s = AFTER_FAILURE_S
                except Exception:
                    # the database is away: look again, nothing is lost
                    logger.exception("lists could not be given out")
                    pause_s = AFTER_FAILURE_S
                await asyncio.sleep(pause_s)

    async def _publish(self) -> None:
        waiting: list[SiteList] = await self._ask(SERVICE, "access.list_unpublished_lists")
        if not waiting:
            return
        await asyncio.gather(*(self._tell(one) for one in waiting))
        out = [PublishedList(one.site_id, one.revision) for one in waiting]
        await self._ask(SERVICE, "access.lists_published", lists=out)

    async def _tell(self, one: SiteList) -> None:
        # The change first: a gate that has taken it finds the head to fit, and asks for nothing.
        if one.delta is not None:
            await self._say(one.site_id, "dn/al/delta", one.delta)
        await self._say(one.site_id, "dn/al/head", one.head)

    async def _say(self, site_id: int, leg: wire.Leg, members: dict[str, Any]) -> None:
        await self._client.publish(
            wire.topic(site_id, wire.ALL_GATES, leg),
            msgspec.json.encode(members),
            qos=wire.QOS[leg],
            retained=leg in wire.RETAINED,
            properties=wire.Properties(expires_s=wire.EXPIRES_S.get(leg)),
        )


class Answers:
    """Tells gates what they miss; `run` it in one process."""

    def __init__(self, url: str, ask: Asks, *, ca_file: str | None = None) -> None:
        self._client = Client(_settings(url, ca_file, *SUBSCRIPTIONS))
        self._ask = ask
        self._asked: OrderedDict[int, deque[float]] = OrderedDict()
        self._fresh: OrderedDict[tuple[int, int], tuple[float, asyncio.Task[list[bytes]]]] = OrderedDict()
        self._free = asyncio.Semaphore(AT_ONCE)
        self._tasks: asyncio.TaskGroup

    async def run(self) -> None:
        """Answer until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._client.run(), name="list answers connection")
            async for message in self._client:
                self._client.ack([message])
                await self._free.acquire()
                tasks.create_task(self._one(message), name="list answer")

    async def _one(self, message: Received) -> None:
        try:
            if (asked := await self._read(message)) is not None:
                await self._answer(*asked)
        except Exception:
            # the gate asks again; its next question must not suffer for this one
            logger.exception("a question on %s was not answered", message.topic)
        finally:
            self._free.release()

    async def _read(self, message: Received) -> tuple[int, int, int] | None:
        """Return site, gate and revision of a question; None of one that is not to be answered."""
        try:
            envelope = wire.parse(message.topic, message.payload)
        except wire.Malformed as error:
            logger.warning("a gate's question about its list could not be read: %s", error)
            await self._ask(SERVICE, "access.record", events=[], poison=[poisoned(error, message)])
            return None
        asked = envelope.message
        if message.retained or not isinstance(asked, wire.ListGet) or self._too_often(envelope.gate_id):
            return None
        return envelope.site_id, envelope.gate_id, asked.since

    def _too_often(self, gate_id: int) -> bool:
        now = time.monotonic()
        asked = self._asked.setdefault(gate_id, deque(maxlen=ASKS))
        self._asked.move_to_end(gate_id)
        if len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
        if len(asked) == ASKS and now - asked[0] < WITHIN_S:
            return True
        asked.append(now)
        return False

    async def _answer(self, site_id: int, gate_id: int, since: int) -> None:
        try:
            leg: wire.Leg = "dn/al/chunk"
            topic, beside = wire.topic(site_id, gate_id, leg), wire.Properties(expires_s=wire.EXPIRES_S[leg])
            for chunk in await self._chunks(site_id, since):
                await self._client.publish(topic, chunk, qos=wire.QOS[leg], properties=beside)
        except NotPublished as error:
            logger.warning("gate %d asks again for its list: %s", gate_id, error)

    async def _chunks(self, site_id: int, since: int) -> list[bytes]:
        """Return an answer, made once for all who ask the same in one moment."""
        key, now = (site_id, since), time.monotonic()
        made = self._fresh.get(key)
        if made is None or now - made[0] > FRESH_S:
            made = now, self._tasks.create_task(self._make(site_id, since), name="list")
            self._fresh[key] = made
            self._fresh.move_to_end(key)
            if len(self._fresh) > KEPT:
                self._fresh.popitem(last=False)
        return await made[1]

    async def _make(self, site_id: int, since: int) -> list[bytes]:
        try:
            members = {"site_id": site_id, "since": since}
            answer: ListAnswer | None = await self._ask(SERVICE, "access.answer_list", **members)
            if answer is None:
                return []
            if not answer.sound:
                # Gates could never take it over; counted anew, it has a head that fits.
                logger.error("the list of site %d is not what its digest tells of", site_id)
                await self._ask(SERVICE, "access.recount_list", site_id=site_id)
            return [msgspec.json.encode(chunk) for chunk in answer.chunks]
        except Exception:
            # gates ask again
            logger.exception("the list of site %d could not be read", site_id)
            return []


def _settings(url: str, ca_file: str | None, *subscriptions: tuple[str, int]) -> Settings:
    name = f"svc-control-{os.urandom(4).hex()}"
    return Settings(url=url, client_id=name, subscriptions=subscriptions, ca_file=ca_file)
