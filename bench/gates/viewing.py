"""Screens that follow the access log, a browser among them, and gates that report walks: one machine, one clock.

`python -m bench.gates.viewing PLAN VIEWING`: prints one line of JSON with the time of each event to each viewer.
"""

import asyncio
import re
import sys
import time
from functools import partial
from pathlib import Path
from typing import cast

import msgspec
import uvloop

from bench.gates.browser import Dashboard, Guard, dashboard
from bench.gates.load import Plan, Reporter, paced, until

KEY = re.compile(rb'"key":"(\d+:[0-9a-f]{16}:[0-9a-f]+)"')
LONGEST_KEY = 80
PING = b"\x81\x02{}"
READY_S = 30.0
UPGRADE = (
    b"GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Viewing(msgspec.Struct, frozen=True):
    """Who watches what, and how much happens there."""

    port: int
    token: str
    guard: Guard
    channel: str
    viewers: int
    rate: int
    seconds: int


class Watched(msgspec.Struct, frozen=True):
    """How long each event took to each of the sockets, and to the picture in the browser."""

    events: int
    sockets_ms: list[float]
    browser_ms: list[float]
    missed: int


class Viewer(asyncio.Protocol):
    """One screen, as light as can be: notes when it first sees each row in what comes from the socket."""

    def __init__(self, viewing: Viewing) -> None:
        self._viewing = viewing
        self._transport: asyncio.Transport
        self._rest = b""
        self.seen: dict[bytes, int] = {}
        self.following = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(UPGRADE)

    def data_received(self, data: bytes) -> None:
        now = time.time_ns()
        told = self._rest + data
        if self.following.done():
            for key in KEY.findall(told):
                self.seen.setdefault(key, now)
        elif b"101 Switching" in told and not self._rest:
            self._say({"id": 1, "connect": {"token": self._viewing.token}})
            self._say({"id": 2, "subscribe": {"channel": self._viewing.channel}})
        elif b'"error"' in told:
            self.following.set_exception(ConnectionError(f"a viewer was refused: {told[:300]!r}"))
        elif b'"subscribe"' in told:
            self.following.set_result(None)
        if data.endswith(PING):
            self._say({})
        self._rest = told[-LONGEST_KEY:]

    def _say(self, command: object) -> None:
        """Send a frame; a mask of zeros leaves it as it is."""
        payload = msgspec.json.encode(command)
        length = (
            bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
        )
        self._transport.write(b"\x81" + length + bytes(4) + payload)


async def _main(plan: Plan, viewing: Viewing) -> None:
    async with dashboard(viewing.port, viewing.guard) as screen:
        await _watch(plan, viewing, screen)


async def _watch(plan: Plan, viewing: Viewing, screen: Dashboard) -> None:
    reporter = Reporter(plan)
    await reporter.open()
    loop, viewers = asyncio.get_running_loop(), []
    async with asyncio.timeout(READY_S):
        for _ in range(viewing.viewers):
            _, viewer = await loop.create_connection(partial(Viewer, viewing), "127.0.0.1", viewing.port)
            await viewer.following
            viewers.append(viewer)
    sent: dict[bytes, int] = {}

    def walk() -> None:
        now = time.time_ns()
        sent[reporter.walk(len(sent) % len(plan.reporting))] = now

    await paced(viewing.rate, viewing.rate * viewing.seconds, walk)
    await until(lambda: all(sent.keys() <= viewer.seen.keys() for viewer in viewers), 5)
    in_browser = await screen.seen([key.decode() for key in sent])
    shown = {key.encode(): ms * 1_000_000 for key, ms in in_browser.items()}
    sockets = [took for viewer in viewers for took in _took(sent, viewer.seen)]
    told = Watched(
        events=len(sent),
        sockets_ms=sockets,
        browser_ms=_took(sent, shown),
        missed=len(sent) * len(viewers) - len(sockets) + len(sent.keys() - shown.keys()),
    )
    print(msgspec.json.encode(told).decode())


def _took(sent: dict[bytes, int], seen: dict[bytes, int]) -> list[float]:
    return [(seen[key] - at) / 1e6 for key, at in sent.items() if key in seen]


if __name__ == "__main__":
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    viewing = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=Viewing)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(plan, viewing))
