"""From the gates into the log: read, commit, then let the broker and the gates forget.

1. A message is acknowledged to the broker only after what it says is committed; a killed process gets it again.
2. A gate is told up to where its journal is committed, and keeps everything above.
3. While the database is away the batch in hand waits and the inbox fills; the broker keeps the rest.
4. An event the domain refuses alone, again and again, while an empty batch goes through, is poison: it goes to
   quarantine and never stops the others. A database that was away for a moment makes no poison.
5. A transaction takes a bounded number of events, however many an offline gate sends in one message: locks that
   decisions wait for are held for milliseconds.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from domain.access.operations.gate_conditions import GateConditions
from domain.access.operations.journals import Journal
from domain.access.operations.recording import GateEvent, Poison
from domain.kernel.caller import SERVICE
from domain.kernel.errors import Busy
from gate_bridge import intake, wire
from gate_bridge.calls import Asks
from gate_bridge.client import Client, Received, Settings
from gate_bridge.intake import Intake
from gate_bridge.rebirths import Rebirths
from gate_bridge.shards import EVERYWHERE, Following

logger = logging.getLogger(__name__)

LEGS: tuple[wire.Leg, ...] = ("up/evt", "up/batch", "up/state", "up/cond", "up/hb", "up/res")
SUBSCRIPTIONS = tuple((wire.every(leg), wire.QOS[leg]) for leg in LEGS)
LIMIT, LINGER_S = 500, 0.003
"""Messages of a batch, and events of a transaction; as many that cannot be read beside them."""
REFUSALS = 3
"""So often in a row the domain must refuse one event before it counts as poison."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
WANT_AFTER_S = 2.0
"""A hole younger than this may be a message still under way."""
MOST_HOLES = 10_000
"""Journals whose holes are timed; of one that fell out the wait begins anew."""


def settings(
    url: str, *, client_id: str, ca_file: str | None = None, following: Following = EVERYWHERE
) -> Settings:
    """Return the connection of ingestion: a fixed name and a session that the broker keeps while we are away."""
    return Settings(
        url=url,
        client_id=client_id,
        persistent=True,
        subscriptions=tuple(
            (_filter(leg, site_id), wire.QOS[leg]) for site_id in following.follows for leg in LEGS
        ),
        forgotten=tuple(_filter(leg, site_id) for site_id in following.forgets for leg in LEGS),
        ca_file=ca_file,
    )


def _filter(leg: wire.Leg, site_id: int | None) -> str:
    everybody = wire.every(leg)
    return everybody if site_id is None else everybody.replace("+", str(site_id), 1)


@dataclass(slots=True)
class Counts:
    """What a process has taken in so far, and how long its last batch took to commit."""

    recorded: int = 0
    lag_ms: int = 0


class Ingest:
    """One process's ingestion; `run` it beside its client. ``reached`` is called at named points, for crash tests."""

    def __init__(
        self,
        client: Client,
        ask: Asks,
        *,
        counts: Counts | None = None,
        reached: Callable[[str], None] = lambda point: None,
    ) -> None:
        self.counts = counts or Counts()
        self._client = client
        self._ask = ask
        self._reached = reached
        self._holes: dict[tuple[int, bytes], float] = {}
        self._rebirths = Rebirths()

    async def run(self) -> None:
        """Take in batch after batch until the client ends; a full one is read while that before it is committed."""
        async with asyncio.TaskGroup() as tasks:
            committing: asyncio.Task[None] | None = None
            async for batch in self._client.batches(limit=LIMIT, linger_s=LINGER_S):
                began = time.monotonic()
                taken = intake.read(batch)
                if committing is not None:
                    await committing
                committing = tasks.create_task(self._take_in(batch, taken, began), name="batch")
                if self._client.waiting < LIMIT:
                    await committing

    async def _take_in(self, batch: Sequence[Received], taken: Intake, began: float) -> None:
        await self._settle(taken)
        self._reached("before_ack")
        self._client.ack(batch)
        self._reached("after_ack")
        self.counts.lag_ms = int((time.monotonic() - began) * 1000)

    async def _settle(self, taken: Intake) -> None:
        """Have everything a batch says committed, however long the database is away."""
        for gate_id, said in taken.states:
            await self._until_done(self._report, gate_id, said)
        if taken.pulses:
            await self._until_done(self._ask, SERVICE, "access.report_pulses", pulses=taken.pulses)
        if taken.answers:
            await self._until_done(self._ask, SERVICE, "access.report_answers", answers=taken.answers)
        for first in range(0, max(len(taken.events), len(taken.poison)), LIMIT):
            some = slice(first, first + LIMIT)
            await self._commit(taken.events[some], taken.poison[some], taken.sites)
        if taken.conditions:
            # after the events, which tell when an alarm began
            gates = [
                GateConditions(gate_id=gate_id, conditions=said) for gate_id, said in taken.conditions.items()
            ]
            await self._until_done(self._ask, SERVICE, "access.report_conditions", gates=gates)
        await self._until_done(self._ask_for_births, taken)

    async def _ask_for_births(self, taken: Intake) -> None:
        doubtful = self._rebirths.doubtful(taken.sightings.values(), time.monotonic())
        if not doubtful:
            return
        unborn = await self._ask(SERVICE, "access.list_unborn", sightings=doubtful)
        for one in self._rebirths.unborn(doubtful, unborn, time.monotonic()):
            want = wire.Want(epoch=one.epoch.hex(), rebirth=1)
            self._post(taken.sites[one.gate_id], one.gate_id, "dn/want", want)

    async def _commit(
        self, events: Sequence[GateEvent], poison: Sequence[Poison], sites: dict[int, int]
    ) -> None:
        self._reached("before_commit")
        journals = await self._record(events, poison)
        self._reached("after_commit")
        self.counts.recorded += len(events)
        asked = [journal for journal in journals if self._answer(journal, sites)]
        if asked:
            names = [(journal.gate_id, journal.epoch) for journal in asked]
            await self._until_done(self._ask, SERVICE, "access.note_asked", journals=names)

    async def _report(self, gate_id: int, said: wire.Birth | wire.Death) -> None:
        members = {"gate_id": gate_id, "epoch": bytes.fromhex(said.epoch), "session": said.session}
        if isinstance(said, wire.Birth):
            await self._ask(SERVICE, "access.report_birth", born=intake.born(said), **members)
        else:
            await self._ask(SERVICE, "access.report_death", **members)

    async def _record(self, events: Sequence[GateEvent], poison: Sequence[Poison]) -> list[Journal]:
        pause_s, refusals = FIRST_PAUSE_S, 0
        while True:
            try:
                return await self._once(events, poison)
            except Exception as error:
                logger.exception("a batch of %d events could not be recorded", len(events))
                if await self._database_answers():
                    if len(events) > 1:
                        return await self._halve(events, poison)
                    refusals += not isinstance(error, Busy)
                    if refusals >= REFUSALS:
                        return await self._set_apart(events, poison, error)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _once(self, events: Sequence[GateEvent], poison: Sequence[Poison]) -> list[Journal]:
        journals: list[Journal] = await self._ask(
            SERVICE, "access.record", events=list(events), poison=list(poison)
        )
        return journals

    async def _database_answers(self) -> bool:
        try:
            await self._ask(SERVICE, "access.record", events=[], poison=[])
        except Exception:
            return False
        return True

    async def _halve(self, events: Sequence[GateEvent], poison: Sequence[Poison]) -> list[Journal]:
        middle = len(events) // 2
        return await self._record(events[:middle], poison) + await self._record(events[middle:], [])

    async def _set_apart(
        self, events: Sequence[GateEvent], poison: Sequence[Poison], error: Exception
    ) -> list[Journal]:
        """Keep in quarantine what was refused; what not even that takes is told and given up."""
        bare = [_stripped(one) for one in poison] + [_refused(event, error) for event in events]
        if not events and bare == list(poison):
            logger.error("%d messages fit into no quarantine and are dropped", len(bare))
            return []
        return await self._record([], bare)

    async def _until_done(
        self, work: Callable[..., Awaitable[object]], *args: object, **members: object
    ) -> None:
        pause_s, refusals = FIRST_PAUSE_S, 0
        while True:
            try:
                await work(*args, **members)
                return
            except Exception as error:
                if await self._database_answers():
                    refusals += not isinstance(error, Busy)
                if refusals >= REFUSALS:
                    logger.exception("a gate's report could not be taken and is dropped")
                    return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _answer(self, journal: Journal, sites: dict[int, int]) -> bool:
        """Tell a gate up to where its journal is committed; return whether it was asked for what is missing."""
        site_id = sites.get(journal.gate_id)
        if site_id is None:
            return False
        epoch, missing = journal.epoch.hex(), tuple(journal.missing)
        now_ms = int(time.time() * 1000)
        told = wire.Acknowledgement(epoch=epoch, up_to=journal.up_to, at_ms=now_ms, missing=missing)
        self._post(site_id, journal.gate_id, "dn/ack", told)
        wanted = self._waited_for(journal)
        if wanted:
            self._post(site_id, journal.gate_id, "dn/want", wire.Want(epoch=epoch, ranges=missing))
        return wanted

    def _waited_for(self, journal: Journal) -> bool:
        """Tell whether a journal has had holes for so long that they are worth asking for."""
        key = (journal.gate_id, journal.epoch)
        if not journal.missing:
            self._holes.pop(key, None)
            return False
        now = time.monotonic()
        since = self._holes.setdefault(key, now)
        if len(self._holes) > MOST_HOLES:
            del self._holes[next(iter(self._holes))]
        if now - since < WANT_AFTER_S:
            return False
        self._holes[key] = now
        return True

    def _post(self, site_id: int, gate_id: int, leg: wire.Leg, message: wire.Message) -> None:
        qos, beside = wire.QOS[leg], wire.Properties(expires_s=wire.EXPIRES_S[leg])
        topic = wire.topic(site_id, gate_id, leg)
        self._client.post(topic, wire.encode(message), qos=qos, properties=beside)


def _refused(event: GateEvent, error: Exception) -> Poison:
    return Poison(
        topic="up/evt",
        reason=f"event: the log cannot hold it ({type(error).__name__})",
        payload=event.canonical,
        gate_id=event.gate_id,
        epoch=event.epoch,
        seq=event.seq,
    )


def _stripped(poison: Poison) -> Poison:
    """PostgreSQL's text cannot hold a zero character; everything else of a message can be kept."""
    return Poison(
        topic=poison.topic.replace("\0", ""), reason=poison.reason.replace("\0", ""), payload=poison.payload
    )
