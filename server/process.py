"""What every process of the house has: the runtime over one database, and the way out of what it commits."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker import Broker
from domain.kernel import database, queue
from domain.kernel.contexts import Catalogue
from domain.kernel.database import Sessions
from domain.kernel.direct import Direct
from domain.kernel.reactions import Reactions
from domain.kernel.runtime import Enqueue, Runtime
from domain.kernel.tools import Tools
from server.metrics import Metrics
from server.overview import Overview
from server.probes import Check
from server.published import Published
from server.relay import Relay
from server.repair import Repair


def utc_now() -> datetime:
    """Return this moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The parts, and `run` that keeps them going."""

    catalogue: Catalogue
    engine: AsyncEngine
    broker: Broker
    runtime: Runtime
    relay: Relay
    published: Published
    metrics: Metrics
    overview: Overview
    direct: Direct

    async def run(self, *, hub: bool = False) -> None:
        """Publish what commits until cancelled; a ``hub`` on the same broker runs that itself."""
        async with asyncio.TaskGroup() as tasks:
            if not hub:
                tasks.create_task(self.broker.run(), name="broker")
            tasks.create_task(self.published.run(), name="published")
            tasks.create_task(self.relay.run(), name="relay")
            if hub:
                tasks.create_task(self.overview.run(), name="overview")

    def checks(self) -> dict[str, Check]:
        """Return what must pass for this process to be ready."""
        return {"database": self._ask_database, "broker": self._ask_broker}

    def repair(self, holder: str) -> Repair:
        """Return the repair of the relay, for the process that works; ``holder`` names it in the lease."""
        return Repair(
            relay=self.relay,
            sessions=self.runtime.sessions,
            events=self.catalogue.events,
            holder=holder,
            metrics=self.metrics,
            clock=self.runtime.clock,
        )

    async def _ask_database(self) -> None:
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def _ask_broker(self) -> None:
        await self.broker.history("&ready")


def compose(
    *,
    catalogue: Catalogue,
    engine: AsyncEngine,
    broker: Broker,
    tools: Tools,
    enqueue: Enqueue = queue.enqueue,
    clock: Callable[[], datetime] = utc_now,
    reached: Callable[[str], None] = lambda point: None,
) -> Process:
    """Put a process together; whoever made ``engine`` and ``broker`` closes them, and `Process.direct`, in the end.

    ``reached`` hears of the named points between a commit and its publication, for crash tests.
    """
    sessions, readers = database.sessions(engine), database.readers(engine)
    metrics = Metrics()
    overview = Overview(broker)
    tools = replace(tools, ports=replace(tools.ports, hubs=overview))
    published = Published(sessions)
    relay = Relay(
        catalogue.feeds,
        broker,
        readers,
        tools,
        published=published,
        metrics=metrics,
        clock=clock,
        reached=reached,
    )
    direct = Direct(engine)
    runtime = _runtime(catalogue, sessions, readers, direct, tools, enqueue, relay, clock)
    return Process(
        catalogue=catalogue,
        engine=engine,
        broker=broker,
        runtime=runtime,
        relay=relay,
        published=published,
        metrics=metrics,
        overview=overview,
        direct=direct,
    )


def _runtime(
    catalogue: Catalogue,
    sessions: Sessions,
    readers: Sessions,
    direct: Direct,
    tools: Tools,
    enqueue: Enqueue,
    relay: Relay,
    clock: Callable[[], datetime],
) -> Runtime:
    return Runtime(
        operations=catalogue.operations,
        reactions=Reactions(catalogue.reactions),
        sessions=sessions,
        readers=readers,
        tools=tools,
        enqueue=enqueue,
        after_commit=relay.publish,
        after_record=relay.hand_over,
        refusals=database.refusals(),
        clock=clock,
        direct=direct,
    )
