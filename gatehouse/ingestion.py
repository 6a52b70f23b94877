"""Gates' reports into the log, by shards: each is taken in by one process, while others stand by.

1. A shard's connection to the broker has a fixed name, so that what waits for one process waits for the next. A lease
   says whose it is, and everything is written under its term.
2. Which sites are a shard's is looked up again and again; when that changes, the connection is made anew.
3. Of several processes that stand ready each gets some shards: who has more lets others go first.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from domain.access.operations.gate_states import SILENCE
from domain.kernel.caller import SERVICE
from domain.kernel.leases import Term
from domain.kernel.tenure import Tenure
from domain.sites.operations import Placement
from gate_bridge import ingest
from gate_bridge.calls import Asks, asks
from gate_bridge.client import Client
from gate_bridge.shards import Following, following, newly_followed, shards_of
from gatehouse.crash import crash_point
from gatehouse.gates import Post
from gatehouse.parts import holder
from gatehouse.rounds import every, say, until
from server.process import Process

logger = structlog.get_logger(__name__)

PULSE_S = 1.0
LOOK_S = 0.5
LOOK_FOR_SILENCE_S = SILENCE.total_seconds() / 5
YIELD_S = 1.0


@dataclass(slots=True)
class _Shard:
    number: int
    post: Post = field(default_factory=Post)
    counts: ingest.Counts = field(default_factory=ingest.Counts)
    held: bool = False

    @property
    def role(self) -> str:
        return f"ingest/{self.number}"

    @property
    def client_id(self) -> str:
        """The first has the name that it had before there were others."""
        return f"svc-ingest-{self.number}" if self.number else "svc-ingest"


class Ingestion:
    """One process's part in it; ``only`` are the shards that it stands ready for, without any all that there are.

    ``by`` names the holder of the leases where it is known that no other process has that name.
    """

    def __init__(
        self,
        process: Process,
        url: str,
        *,
        only: Sequence[int] = (),
        by: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._process = process
        self._url = url
        self._only = frozenset(only)
        self._by = by or holder()
        self._ca_file = ca_file
        self._shards: dict[int, _Shard] = {}

    async def run(self) -> None:
        """Take in what gates report, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                for number in sorted(self._only or shards_of(await self._placements() or ())):
                    if number in self._shards:
                        continue
                    shard = self._shards[number] = _Shard(number)
                    self._show(shard)
                    tasks.create_task(self._stand_ready(shard), name=shard.role)
                await asyncio.sleep(LOOK_S)

    async def check(self) -> None:
        """Pass where this process is connected for each shard that it holds."""
        await asyncio.gather(*[shard.post.check() for shard in self._shards.values()])

    async def _placements(self) -> Sequence[Placement] | None:
        """Return where sites are, or None while that cannot be seen."""
        try:
            placements: Sequence[Placement] = await asks(self._process.runtime)(
                SERVICE, "sites.list_placements"
            )
        except Exception as error:
            # whatever it is, those who are followed are followed on
            logger.warning("it cannot be seen which shards sites belong to", error=str(error))
            return None
        return placements

    def _show(self, shard: _Shard) -> None:
        watch, of, counts = self._process.metrics.watch, {"shard": str(shard.number)}, shard.counts
        watch("events_recorded", "Events of gates written into the log.", lambda: counts.recorded, **of)
        watch("ingest_lag_ms", "How long the last batch took to commit.", lambda: counts.lag_ms, **of)
        watch("ingest_connected", "Whether reports come in here.", lambda: shard.post.connected, **of)

    async def _stand_ready(self, shard: _Shard) -> None:
        tenure = Tenure(
            self._process.runtime.sessions,
            shard.role,
            self._by,
            yields=lambda: YIELD_S * sum(one.held for one in self._shards.values()),
        )
        await tenure.run(partial(self._serve, shard))

    async def _serve(self, shard: _Shard, term: Term) -> None:
        ask = asks(self._process.runtime, under=term)
        shard.held = True
        try:
            while True:
                if (placements := await self._placements()) is None:
                    await asyncio.sleep(LOOK_S)
                    continue
                wanted = following(placements, shard.number)
                settings = ingest.settings(
                    self._url, client_id=shard.client_id, ca_file=self._ca_file, following=wanted
                )
                client = Client(settings)
                with shard.post.taken(client):
                    await until(self._moved(shard, ask, wanted), self._take_in(shard, ask, client))
        finally:
            shard.held = False

    async def _take_in(self, shard: _Shard, ask: Asks, client: Client) -> None:
        taking = ingest.Ingest(client, ask, counts=shard.counts, reached=crash_point())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(client.run(), name=f"connection of {shard.role}")
            tasks.create_task(taking.run(), name=shard.role)
            tasks.create_task(every(PULSE_S, partial(self._pulse, shard)), name="pulse")
            if shard.number == 0:
                silence = partial(say, self._process, "access.notice_silence")
                tasks.create_task(every(LOOK_FOR_SILENCE_S, silence), name="silence")

    async def _moved(self, shard: _Shard, ask: Asks, wanted: Following) -> None:
        """Return when the shard's session shall follow others; note meanwhile whom it follows by now."""
        while True:
            await asyncio.sleep(LOOK_S)
            if (placements := await self._placements()) is None:
                continue
            if following(placements, shard.number).follows != wanted.follows:
                return
            if shard.post.connected and (fresh := newly_followed(placements, shard.number)):
                try:
                    await ask(SERVICE, "sites.note_followed", shard=shard.number, site_ids=fresh)
                except Exception:
                    # the database is away, or our term is over: the old shard goes on meanwhile
                    logger.exception("sites are followed, which could not be noted", shard=shard.number)

    async def _pulse(self, shard: _Shard) -> None:
        counts = shard.counts
        told = {"lagMs": counts.lag_ms, "recorded": counts.recorded, "shard": shard.number}
        await say(self._process, "access.pulse", brokerConnected=shard.post.connected, **told)
