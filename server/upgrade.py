"""The way in: uvicorn's HTTP protocol, which answers the upgrade to the hub's socket itself.

1. The path of the socket is answered here, nearly always before uvicorn has seen the connection, and nothing of uvicorn
   or Starlette stays behind. Sockets at other paths go on to the application, which has none.
2. Bytes that come right behind the request are not lost. uvicorn would drop them: it hands the request alone to a `ws`
   class, while httptools says where in the bytes the request ended.
3. Refusals say why: 503 while the process ends or is full, 403 to foreign pages, 4xx to what is no WebSocket.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from math import inf
from typing import Any, ClassVar, Final, cast

import httptools
import structlog
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from channels.host import Host
from channels.limits import Limits
from channels.protocol.codes import DisconnectCode
from channels.rate import Rate
from domain.kernel.errors import DomainError
from server.fanout import Hub
from server.problems import problem_response
from server.websocket.connection import Connection
from server.websocket.handshake import (
    Headers,
    Origins,
    Refused,
    accept,
    agent_of,
    forwarded_for,
    is_ours,
    read_request,
)
from server.websocket.line import Line
from server.websocket.shared import Shared

logger = structlog.get_logger(__name__)

HIGH_WATER: Final = 0
"""A connection is clogged as soon as the kernel does not take all: the hub writes past transports, so that nothing may
wait in one of them unseen. With it, uvloop writes at once instead of at the end of the turn."""
AT_ONCE: Final = {"Retry-After": "1"}
SOON: Final = {"Retry-After": "5"}


class Entry(Struct, frozen=True, kw_only=True):
    """Who may come in, and how many."""

    origins: Sequence[str] = ()
    """Pages of these may connect beside those of this host; `*` stands for any part."""
    trusted_proxies: Sequence[str] = ()
    """Their X-Forwarded-For is believed."""
    connections: int | None = None
    """Open at once in this process; None is without bound."""
    per_second: int | None = None
    """New ones; None is without bound."""


class UpgradeNeeded(DomainError):
    """The path is that of the socket."""

    code, status, title = "upgrade_required", 426, "This path speaks WebSocket"


class Door:
    """Lets clients of a hub in."""

    def __init__(
        self,
        hub: Hub,
        host: Host,
        *,
        limits: Limits | None = None,
        entry: Entry | None = None,
        version: str = "0",
    ) -> None:
        entry = entry or Entry()
        self.shared = Shared(hub, host, limits or Limits(), version)
        self._hub = hub
        self._origins = Origins(entry.origins)
        self._proxies = ProxyHeadersMiddleware(_nowhere, list(entry.trusted_proxies)).trusted_hosts
        self._trusts = bool(entry.trusted_proxies)
        self._most = entry.connections
        self._rate = Rate(entry.per_second, 1.0) if entry.per_second else None
        self._paid_until = -inf
        # of thousands with the same program, or behind the same proxy, all hold one text
        self._same_agent, self._same_address = lru_cache(4096)(str), lru_cache(4096)(str)

    @property
    def protocol(self) -> type[asyncio.Protocol]:
        """The class for uvicorn's `http`."""
        return type("Doorstep", (Doorstep,), {"door": self, "__slots__": ()})

    def pass_on(
        self,
        transport: asyncio.Transport,
        method: bytes,
        target: bytes,
        headers: Headers,
        client: tuple[str, int] | None,
        behind: bytes,
    ) -> None:
        """Answer an upgrade and give the transport to who goes on with it; ``behind`` is what it has sent already."""
        line = self._open(transport, method, target, headers, client)
        if line is not None:
            transport.set_protocol(line)
            if behind:
                line.data_received(behind)

    def _open(
        self,
        transport: asyncio.Transport,
        method: bytes,
        target: bytes,
        headers: Headers,
        client: tuple[str, int] | None,
    ) -> Line | None:
        try:
            self._admit()
            accepted = accept(method, target, headers, self._origins)
        except Refused as refused:
            self._hub.numbers.refuse(refused.why)
            logger.info("a socket was refused", why=refused.why, address=client[0] if client else "")
            transport.write(refused.response)
            transport.close()
            return None
        transport.set_write_buffer_limits(high=HIGH_WATER)
        transport.write(accepted.response)
        if accepted.codec is None:
            self._hub.numbers.refuse("codec")
            return Farewell(transport, self.shared)
        return Connection(
            transport,
            self.shared,
            accepted.codec,
            address=self._same_address(self._address(client, headers)),
            agent=self._same_agent(agent_of(headers)),
            frame_pings=accepted.frame_pings,
        )

    def _admit(self) -> None:
        if self._hub.draining:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE, "draining", "this process ends, another one answers", AT_ONCE
            )
        if self._most is not None and self._hub.connections >= self._most:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "connections", "no more connections here", SOON)
        if self._rate is None:
            return
        now = time.monotonic()
        paid_until = self._rate.pay(self._paid_until, now)
        if paid_until - now > self._rate.within_s:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "rate", "too many connect at once", SOON)
        self._paid_until = paid_until

    def _address(self, client: tuple[str, int] | None, headers: Headers) -> str:
        address = client[0] if client else ""
        if self._trusts and address in self._proxies and (chain := forwarded_for(headers)):
            return self._proxies.get_trusted_client_address(chain)[0] or address
        return address


class Farewell(Line):
    """A client that speaks no language of ours, and is told so."""

    __slots__ = ()

    def __init__(self, transport: asyncio.Transport, shared: Shared) -> None:
        super().__init__(transport, shared.wheel, shared.limits)
        self.end(DisconnectCode.NOT_AVAILABLE, "no codec in common")

    def take(self, message: bytes, binary: bool) -> None:
        """Listen no more."""


class Doorstep(asyncio.Protocol):
    """A client that has not said yet what it wants.

    Who wants a socket is let in here, past everything that HTTP needs, which would cost more than all the rest;
    everybody else is handed on to uvicorn.
    """

    __slots__ = ("_app_state", "_config", "_loop", "_state", "_transport")

    door: ClassVar[Door]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._state = server_state
        self._app_state = app_state
        self._loop = _loop
        self._transport: Any = None  # Any: a transport from the moment that anything is done with it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first bytes."""
        self._transport = transport
        self._state.connections.add(self)  # type: ignore[arg-type]  # of its members uvicorn wants `shutdown`

    def data_received(self, data: bytes) -> None:
        """See what is wanted."""
        self._state.connections.discard(self)
        request = read_request(data)
        if request is None:
            http = Http(self._config, self._state, self._app_state, self._loop)
            http.door = self.door
            http.connection_made(self._transport)
            self._transport.set_protocol(http)
            http.data_received(data)
            return
        target, headers, behind = request
        peer = self._transport.get_extra_info(
            "peername"
        )  # a text where the socket is one of this machine's files
        client = peer if isinstance(peer, tuple) else None
        self.door.pass_on(self._transport, b"GET", target, headers, client, behind)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget who left before saying a word."""
        self._state.connections.discard(self)

    def shutdown(self) -> None:
        """Send them away: the process ends."""
        self._transport.close()


class Http(HttpToolsProtocol):
    """HTTP, and the way out of it for sockets that come late: after other requests, as proxies do, or in pieces.

    Of uvicorn this needs: that `handle_websocket_upgrade` is called while httptools' exception is handled, and what it
    finds of the request in `scope`, `url`, `headers` and `client`.
    """

    door: Door
    _newest = b""

    def data_received(self, data: bytes) -> None:
        """Read HTTP."""
        self._newest = data
        super().data_received(data)

    def handle_websocket_upgrade(self) -> None:
        """Let the client in, or say why not."""
        if not is_ours(self.url):
            super().handle_websocket_upgrade()
            return
        cycle = cast(
            "RequestResponseCycle | None", self.cycle
        )  # None before the first request with an answer
        if cycle is not None and not cycle.response_complete:
            self.transport.close()  # asked without waiting for an answer, which would now come after ours
            return
        upgrade = sys.exception()
        assert isinstance(upgrade, httptools.HttpParserUpgrade)
        behind = self._newest[upgrade.args[0] :]
        self.connections.discard(self)
        method = self.scope["method"].encode()
        self.door.pass_on(self.transport, method, self.url, self.headers, self.client, behind)
        self.parser = self.scope = self.headers = None  # type: ignore[assignment]  # they hold each other


async def no_upgrade(request: Request) -> Response:
    """Tell somebody who asks for the socket as for a page."""
    return problem_response(
        UpgradeNeeded(f"{request.url.path} is opened as a WebSocket"), {"Upgrade": "websocket"}
    )


async def _nowhere(scope: object, receive: object, send: object) -> None:
    """The proxies' middleware is asked whom to believe, and passes nothing on."""
