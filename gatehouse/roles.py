"""What the processes of a house do: serve people, take gates' reports in, answer scans, work behind the scenes.

Each role is an async function that runs until it is cancelled. `gatehouse serve`, `ingest`, `decide` and `work` run
one each; `gatehouse up` runs all of them in one process.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from domain.kernel.followers import Followers
from domain.kernel.housekeeping import Housekeeping
from domain.kernel.late_reactions import late_reactions
from domain.kernel.leases import Term
from domain.kernel.sequencer import Sequencer
from domain.kernel.tenure import Tenure
from domain.kernel.worker import Worker
from gate_bridge.calls import asks
from gate_bridge.desired import Desired
from gate_bridge.lists import Answers, Lists
from gate_bridge.orders import Orders
from gatehouse.listening import BACKLOG
from gatehouse.measuring import measure
from gatehouse.parts import holder
from gatehouse.rounds import every, say, say_until_done
from server.process import Process
from server.upgrade import Door

logger = logging.getLogger(__name__)

DASHBOARD = Path(__file__).parents[1] / "dashboard" / "dist"
ROUNDS_S: Mapping[str, float] = {
    "access.expire_guest_passes": 10.0,
    "access.open_days": 3600.0,
    "access.end_modes": 1.0,
    "access.expire_commands": 1.0,
    "access.note_scans": 1.0,
    "access.escalate_alarms": 5.0,
    "access.watch_links": 5.0,
    "access.watch_gaps": 10.0,
    "access.watch_traffic": 30.0,
}
"""What is done again and again behind the scenes, and how often."""
SEAL_S = 5.0
DROP_S = 600.0
SETTLE_S = 15.0
FORGET_S = 3600.0
SETTLING = ("access.settle_lists", "access.renew_lists")
SEALING = ("access.seal_log", "access.sign_roots")
DROPPING = ("access.drop_days", "access.drop_leftovers", "access.erase_late")
GRACE_S = 10


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


async def work(process: Process, url: str | None, *, ca_file: str | None = None) -> None:
    """Do jobs, number facts, move followers, publish what others left, seal the log, and keep the broker's accounts."""
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
        for name, pause_s in ROUNDS_S.items():
            tasks.create_task(every(pause_s, partial(say, process, name)), name=name)
        tasks.create_task(every(SEAL_S, partial(say_until_done, process, *SEALING)), name="seal")
        tasks.create_task(every(DROP_S, partial(say_until_done, process, *DROPPING)), name="retention")
        tasks.create_task(every(SETTLE_S, partial(say_until_done, process, *SETTLING)), name="lists settled")
        forget = partial(say_until_done, process, "access.forget_list_reports")
        tasks.create_task(every(FORGET_S, forget), name="list reports")
        if url is not None:
            tasks.create_task(Orders(url, asks(runtime), ca_file=ca_file).run(), name="orders")
            tasks.create_task(Desired(url, asks(runtime), ca_file=ca_file).run(), name="accounts")
            tasks.create_task(Lists(url, asks(runtime), ca_file=ca_file).run(), name="lists")
            tasks.create_task(_answer_lists(process, me, url, ca_file), name="answers about lists")


async def _answer_lists(process: Process, me: str, url: str, ca_file: str | None) -> None:
    """Tell gates what they miss of their lists, in one process at a time."""

    async def answer(_: Term) -> None:
        await Answers(url, asks(process.runtime), ca_file=ca_file).run()

    await Tenure(process.runtime.sessions, "lists", me).run(answer)


class _Quiet(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
