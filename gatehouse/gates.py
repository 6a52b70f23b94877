"""The role that answers gates' scans, done by one process while others stand by; a lease says whose it is."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from domain.kernel.leases import Term
from domain.kernel.tenure import Tenure
from gate_bridge import decide as decisions
from gate_bridge.calls import asks
from gate_bridge.client import Client
from gatehouse.parts import holder
from server.metrics import Metrics
from server.probes import Check
from server.process import Process

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

    @contextmanager
    def taken(self, client: Client) -> Iterator[None]:
        """Stand at the post while the block lasts."""
        self.client = client
        try:
            yield
        finally:
            self.client = None

    async def check(self) -> None:
        """Pass where this process is connected, or stands by."""
        if self.client is not None:
            await self.client.wait_connected(CONNECTED_WITHIN_S)


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
        with post.taken(client):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(client.run(), name="decide connection")
                tasks.create_task(deciding.run(), name="decide")

    await Tenure(process.runtime.sessions, "decide", by or holder()).run(serve)
