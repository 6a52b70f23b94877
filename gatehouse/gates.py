"""The two roles that gates speak to, reports in and answers out: each done by one process, while others stand by.

The connections to the broker have fixed names, so that what waits for one waits for the next; a lease says whose it is.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from domain.access.operations.gate_states import SILENCE
from domain.kernel.leases import Term
from domain.kernel.tenure import Tenure
from gate_bridge import decide as decisions
from gate_bridge import ingest as ingestion
from gate_bridge.calls import asks
from gate_bridge.client import Client
from gatehouse.crash import crash_point
from gatehouse.parts import holder
from gatehouse.rounds import every, say
from server.metrics import Metrics
from server.probes import Check
from server.process import Process

PULSE_S = 1.0
LOOK_FOR_SILENCE_S = SILENCE.total_seconds() / 5
CONNECTED_WITHIN_S = 1.0

Checks = dict[str, Check]


@dataclass(slots=True)
class Post:
    """Whether this process stands at its post, and by which connection."""

    client: Client | None = None

    @property
    def connected(self) -> bool:
        """Whether messages come and go through this process."""
        return self.client is not None and self.client.connected

    async def check(self) -> None:
        """Pass where this process is connected, or stands by."""
        if self.client is not None:
            await self.client.wait_connected(CONNECTED_WITHIN_S)


async def ingest(
    process: Process,
    url: str,
    *,
    client_id: str,
    by: str | None = None,
    ca_file: str | None = None,
    checks: Checks | None = None,
) -> None:
    """Take gates' reports into the log, and say every second that it is so; add to ``checks`` what that needs.

    ``by`` names the holder of the lease where it is known that no other process has that name.
    """
    post, counts = Post(), ingestion.Counts()
    watch = process.metrics.watch
    watch("events_recorded", "Events of gates written into the log.", lambda: counts.recorded)
    watch("ingest_lag_ms", "How long the last batch of events took to commit.", lambda: counts.lag_ms)
    watch("ingest_connected", "Whether reports of gates come in here.", lambda: post.connected)
    if checks is not None:
        checks["gates"] = post.check

    async def serve(term: Term) -> None:
        client = Client(ingestion.settings(url, client_id=client_id, ca_file=ca_file))
        ask = asks(process.runtime, under=term)
        taking = ingestion.Ingest(client, ask, counts=counts, reached=crash_point())
        with _at(post, client):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(client.run(), name="ingest connection")
                tasks.create_task(taking.run(), name="ingest")
                tasks.create_task(every(PULSE_S, partial(_pulse, process, client, counts)), name="pulse")
                silence = partial(say, process, "access.notice_silence")
                tasks.create_task(every(LOOK_FOR_SILENCE_S, silence), name="silence")

    await Tenure(process.runtime.sessions, "ingest", by or holder()).run(serve)


async def decide(
    process: Process,
    url: str,
    *,
    client_id: str,
    by: str | None = None,
    ca_file: str | None = None,
    checks: Checks | None = None,
    metrics: Metrics | None = None,
) -> None:
    """Answer gates' scans; add to ``checks`` what that needs, and count in ``metrics`` where those are another's."""
    post, counts = Post(), decisions.Counts()
    watch = (metrics or process.metrics).watch
    watch("scans_answered", "Scans answered.", lambda: counts.answered)
    watch("decide_connected", "Whether scans of gates come in here.", lambda: post.connected)
    if checks is not None:
        checks["gates"] = post.check

    async def serve(term: Term) -> None:
        client = Client(decisions.settings(url, client_id=client_id, ca_file=ca_file))
        deciding = decisions.Decide(client, asks(process.runtime), counts=counts)
        with _at(post, client):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(client.run(), name="decide connection")
                tasks.create_task(deciding.run(), name="decide")

    await Tenure(process.runtime.sessions, "decide", by or holder()).run(serve)


@contextmanager
def _at(post: Post, client: Client) -> Iterator[None]:
    post.client = client
    try:
        yield
    finally:
        post.client = None


async def _pulse(process: Process, client: Client, counts: ingestion.Counts) -> None:
    told = {"brokerConnected": client.connected, "lagMs": counts.lag_ms, "recorded": counts.recorded}
    await say(process, "access.pulse", **told)
