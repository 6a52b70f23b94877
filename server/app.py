"""The process people talk to, on one screen: HTTP and sockets over one runtime."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from channels.limits import Limits
from domain.identity.rules import tokens
from domain.kernel.caller import SERVICE, Caller
from server.api.procedures import procedure_of
from server.authenticate import Authenticator, Claims
from server.browser import Pages, to_pages
from server.calls import Calls
from server.closings import Closings
from server.correlation import Correlation
from server.fanout import Hub
from server.gateway import Gateway
from server.host import BusinessHost
from server.hub_metrics import HubMetrics
from server.partners import SharedHost
from server.probes import Health, probes
from server.problems import unrouted
from server.process import Process
from server.realtime import Partners, Realtime, realtime
from server.routes import Table
from server.schema import descriptions
from server.session import PATH, BrowserSession
from server.upgrade import Entry, no_upgrade
from server.uring import open_ring
from server.verified import Verified
from server.websocket import handshake

VERSION = "0.1.0"
LEAVE_S = 2.0
"""How long the last steps of closed connections may take, such as leaving a presence."""
Part = Callable[[], Coroutine[Any, Any, None]]
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def build(
    process: Process,
    *,
    dashboard: Path,
    trusted_proxies: Sequence[str] = (),
    background: bool = True,
    limits: Limits | None = None,
    entry: Entry | None = None,
    partners: Partners | None = None,
    metrics_token: str | None = None,
    drain_s: float = 5.0,
    io_uring: bool = True,
    device_protocol: Mapping[str, Any] | None = None,
) -> Starlette:
    """Put hub and gateway together over a process.

    ``trusted_proxies`` are addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed; ``entry``
    says who else may open sockets, and how many, and ``app.state.door`` lets them in. With ``background`` the
    application runs the process's own tasks while it lives; a house of several parts in one process runs
    `Process.run(hub=True)` itself. ``app.state.drain()`` says that this process ends and sends its sockets to other
    hubs, spread over ``drain_s``; it is for the signal handler, before HTTP stops. Numbers are shown to who brings
    ``metrics_token``, or without one to this machine alone. ``io_uring`` is used where the kernel has it.
    ``device_protocol`` is the AsyncAPI document of what gates speak, shown beside the description of HTTP.
    """
    calls = Calls(process.runtime, process.metrics)
    authenticator = _authenticator(process)
    health = Health(process.checks())
    entry = replace(entry or Entry(), trusted_proxies=trusted_proxies)
    live, parts = _live(process, calls, authenticator, partners, limits, entry, io_uring)
    process.metrics.register(HubMetrics(live.look))
    session = BrowserSession(calls, lasts_s=process.runtime.tools.policy.refresh_token_s)
    drain = partial(_drain, health, live, drain_s)
    app = Starlette(
        routes=[
            *probes(health, process.metrics, token=metrics_token),
            *descriptions(process.catalogue.operations, version=VERSION, devices=device_protocol),
            *live.routes,
            Route(handshake.PATH.decode(), no_upgrade),
            *_pages(dashboard, session),
        ],
        middleware=[*_proxies(trusted_proxies), Middleware(Correlation)],
        exception_handlers={HTTPException: unrouted},
        lifespan=_lifespan([*parts, partial(process.run, hub=True)] if background else parts, drain),
    )
    # Last, so that what is refused above for its method alone is refused there.
    app.router.default = Gateway(calls, Table(), authenticator)
    app.state.drain = drain
    app.state.door = live.door
    return app


def _live(
    process: Process,
    calls: Calls,
    authenticator: Authenticator,
    partners: Partners | None,
    limits: Limits | None,
    entry: Entry,
    io_uring: bool,
) -> tuple[Realtime, list[Part]]:
    hub, feeds = Hub(process.broker, ring=open_ring() if io_uring else None), process.catalogue.feeds
    host = BusinessHost(calls, feeds, authenticator, numbers=hub.numbers)
    live = realtime(
        hub,
        host if partners is None else SharedHost(host, partners.host, feeds),
        process.overview,
        partners,
        is_ours=lambda channel: feeds.find(channel) is not None,
        procedure=procedure_of(calls, partners.host.namespaces.rpc_operations if partners else ()),
        limits=limits,
        entry=entry,
        version=VERSION,
    )
    return live, [live.run, Closings(live.control, hub, host).run]


def _pages(dashboard: Path, session: BrowserSession) -> list[BaseRoute]:
    return [
        Route("/", to_pages),
        Route("/app", to_pages),
        Route(PATH, session),
        Route(f"{PATH}/refresh", session),
        Mount("/app", Pages(dashboard)),
    ]


def _authenticator(process: Process) -> Authenticator:
    verified = Verified(partial(_read, process), now=partial(_now, process))
    return Authenticator(verified, partial(_identify, process))


def _read(process: Process, token: str) -> Claims:
    return tokens.read(process.runtime.tools.keys, token, process.runtime.clock())


def _now(process: Process) -> float:
    return process.runtime.clock().timestamp()


async def _identify(process: Process, claims: Claims) -> Caller:
    found: Caller = await process.runtime.call(SERVICE, "identity.identify", {"sessionId": claims.session_id})
    return found


def _proxies(trusted: Sequence[str]) -> list[Middleware]:
    return [Middleware(ProxyHeadersMiddleware, trusted_hosts=list(trusted))] if trusted else []


async def _drain(health: Health, live: Realtime, within_s: float) -> None:
    health.draining = True
    await live.hub.shutdown(within_s)
    await live.door.shared.finish(LEAVE_S)


def _lifespan(parts: Sequence[Part], drain: Part) -> Lifespan:
    @asynccontextmanager
    async def live(app: Starlette) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(part()) for part in parts]
            try:
                yield
            finally:
                await drain()
                for task in running:
                    task.cancel()

    return live
