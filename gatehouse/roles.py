"""What the processes of a house do: serve people, take gates' reports in, answer scans, work behind the scenes.

Each role is an async function that runs until it is cancelled. `gatehouse serve`, `ingest`, `decide` and `work` run
one each; `gatehouse up` runs all of them in one process.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from domain.access.operations.gate_states import SILENCE
from domain.kernel.caller import SERVICE
from domain.kernel.followers import Followers
from domain.kernel.housekeeping import Housekeeping
from domain.kernel.late_reactions import late_reactions
from domain.kernel.sequencer import Sequencer
from domain.kernel.worker import Worker
from gate_bridge import decide as decisions
from gate_bridge import ingest as ingestion
from gate_bridge.calls import asks
from gate_bridge.client import Client
from gate_bridge.desired import Desired
from gate_bridge.orders import Orders
from gatehouse.crash import crash_point
from gatehouse.listening import BACKLOG
from gatehouse.measuring import measure
from gatehouse.parts import holder
from server.metrics import Metrics
from server.probes import Check
from server.process import Process
from server.upgrade import Door

logger = logging.getLogger(__name__)

DASHBOARD = Path(__file__).parents[1] / "dashboard" / "dist"
PULSE_S = 1.0
LOOK_FOR_SILENCE_S = SILENCE.total_seconds() / 5
EXPIRE_S = 10.0
OPEN_DAYS_S = 3600.0
END_ORDERS_S = 1.0
GRACE_S = 10
CONNECTED_WITHIN_S = 1.0

Checks = dict[str, Check]


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    *,
    door: Door | None = None,
    drain: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Answer HTTP, and sockets at the ``door``, until cancelled; then ``drain`` and finish what is under way."""
    config = uvicorn.Config(
        app,
        http="httptools" if door is None else door.protocol,
        ws="none" if door is None else "websockets-sansio",
        backlog=BACKLOG,
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        proxy_headers=False,  # the application believes the proxies that the settings name
    )
    server = _Quiet(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        await asyncio.shield(serving)
    finally:
        if drain is not None and not serving.done():
            await drain()
        server.should_exit = True
        await serving


async def ingest(
    process: Process, url: str, *, client_id: str, ca_file: str | None = None, checks: Checks | None = None
) -> None:
    """Take gates' reports into the log, and say every second that it is so; add to ``checks`` what that needs."""
    client = Client(ingestion.settings(url, client_id=client_id, ca_file=ca_file))
    _check(client, checks)
    taking = ingestion.Ingest(client, asks(process.runtime), reached=crash_point())
    watch = process.metrics.watch
    watch("events_recorded", "Events of gates written into the log.", lambda: taking.recorded)
    watch("ingest_lag_ms", "How long the last batch of events took to commit.", lambda: taking.lag_ms)
    watch("ingest_connected", "Whether reports of gates can come in.", lambda: client.connected)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(client.run(), name="ingest connection")
        tasks.create_task(taking.run(), name="ingest")
        tasks.create_task(_pulse(process, client, taking), name="pulse")
        tasks.create_task(_every(LOOK_FOR_SILENCE_S, process, "access.notice_silence"), name="silence")


async def decide(
    process: Process,
    url: str,
    *,
    client_id: str,
    ca_file: str | None = None,
    checks: Checks | None = None,
    metrics: Metrics | None = None,
) -> None:
    """Answer gates' scans; add to ``checks`` what that needs, and count in ``metrics`` where those are another's."""
    client = Client(decisions.settings(url, client_id=client_id, ca_file=ca_file))
    _check(client, checks)
    deciding = decisions.Decide(client, asks(process.runtime))
    watch = (metrics or process.metrics).watch
    watch("scans_answered", "Scans answered.", lambda: deciding.answered)
    watch("decide_connected", "Whether scans of gates can come in.", lambda: client.connected)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(client.run(), name="decide connection")
        tasks.create_task(deciding.run(), name="decide")


async def work(process: Process, url: str | None, *, ca_file: str | None = None) -> None:
    """Do jobs, number facts, move followers, publish what others left, and keep the broker's accounts."""
    runtime, catalogue = process.runtime, process.catalogue
    me = holder()
    late = late_reactions(runtime, catalogue.events)
    jobs = {**catalogue.jobs, late.name: late}
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Worker(jobs, runtime.sessions, runtime.tools).run(), name="jobs")
        tasks.create_task(Sequencer(runtime.sessions, me).run(), name="sequencer")
        tasks.create_task(Followers(catalogue.followers, runtime.sessions).run(), name="followers")
        tasks.create_task(Housekeeping(runtime.sessions).run(), name="housekeeping")
        tasks.create_task(process.repair(me).run(), name="repair")
        tasks.create_task(measure(process), name="backlog")
        tasks.create_task(_every(EXPIRE_S, process, "access.expire_guest_passes"), name="expiry")
        tasks.create_task(_every(OPEN_DAYS_S, process, "access.open_days"), name="days")
        tasks.create_task(_every(END_ORDERS_S, process, "access.end_modes"), name="modes")
        tasks.create_task(_every(END_ORDERS_S, process, "access.expire_commands"), name="commands")
        if url is not None:
            tasks.create_task(Orders(url, asks(runtime), ca_file=ca_file).run(), name="orders")
            tasks.create_task(Desired(url, asks(runtime), ca_file=ca_file).run(), name="accounts")


class _Quiet(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _check(client: Client, checks: Checks | None) -> None:
    if checks is not None:
        checks["gates"] = partial(client.wait_connected, CONNECTED_WITHIN_S)


async def _pulse(process: Process, client: Client, taking: ingestion.Ingest) -> None:
    while True:
        await _say(
            process,
            "access.pulse",
            brokerConnected=client.connected,
            lagMs=taking.lag_ms,
            recorded=taking.recorded,
        )
        await asyncio.sleep(PULSE_S)


async def _every(pause_s: float, process: Process, name: str) -> None:
    while True:
        await asyncio.sleep(pause_s)
        await _say(process, name)


async def _say(process: Process, name: str, **members: object) -> None:
    try:
        await process.runtime.call(SERVICE, name, members)
    except Exception:
        # the next round says it again; screens show meanwhile that the feed is stale
        logger.exception("%s could not be said", name)
