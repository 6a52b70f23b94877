"""Screens that follow the access log, and gates that report walks: one process, one clock.

`python -m bench.gates.viewing PLAN VIEWING`: prints one line of JSON with the time of each event to each viewer.
"""

import asyncio
import re
import sys
import time
from pathlib import Path

import msgspec
import uvloop
from websockets.asyncio.client import ClientConnection, connect

from bench.gates.load import Plan, Reporter, paced, until

KEY = re.compile(rb'"key":"(\d+:[0-9a-f]{16}:[0-9a-f]+)"')
READY_S = 30.0


class Viewing(msgspec.Struct, frozen=True):
    """Who watches what, and how much happens there."""

    url: str
    token: str
    channel: str
    viewers: int
    rate: int
    seconds: int


class Viewer:
    """One screen: notes when it first sees each row."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.seen: dict[bytes, int] = {}
        self.following = asyncio.Event()

    async def watch(self, viewing: Viewing) -> None:
        """Follow the channel until cancelled."""
        commands = (
            {"id": 1, "connect": {"token": viewing.token}},
            {"id": 2, "subscribe": {"channel": viewing.channel}},
        )
        for command in commands:
            await self._socket.send(msgspec.json.encode(command).decode())
        async for told in self._socket:
            frame = told.encode() if isinstance(told, str) else told
            if frame.strip() == b"{}":
                await self._socket.send("{}")
            elif not self.following.is_set():
                if b'"subscribe"' in frame:
                    self.following.set()
                elif b'"error"' in frame:
                    raise RuntimeError(f"a viewer was refused: {frame!r}")
            else:
                now = time.perf_counter_ns()
                for key in KEY.findall(frame):
                    self.seen.setdefault(key, now)


async def _main(plan: Plan, viewing: Viewing) -> None:
    reporter = Reporter(plan)
    await reporter.open()
    async with asyncio.TaskGroup() as tasks:
        sockets = [await connect(viewing.url, compression=None, proxy=None) for _ in range(viewing.viewers)]
        viewers = [Viewer(socket) for socket in sockets]
        watching = [tasks.create_task(viewer.watch(viewing)) for viewer in viewers]
        async with asyncio.timeout(READY_S):
            for viewer in viewers:
                await viewer.following.wait()
        sent: dict[bytes, int] = {}

        def walk() -> None:
            key, now = reporter.walk(len(sent) % len(plan.reporting)), time.perf_counter_ns()
            sent[key] = now

        await paced(viewing.rate, viewing.rate * viewing.seconds, walk)
        await until(lambda: all(sent.keys() <= viewer.seen.keys() for viewer in viewers), 5)
        for task in watching:
            task.cancel()
    _tell(sent, viewers)


def _tell(sent: dict[bytes, int], viewers: list[Viewer]) -> None:
    took = [
        (viewer.seen[key] - at) / 1e6 for viewer in viewers for key, at in sent.items() if key in viewer.seen
    ]
    missed = len(sent) * len(viewers) - len(took)
    print(msgspec.json.encode({"took_ms": took, "events": len(sent), "missed": missed}).decode())


if __name__ == "__main__":
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    viewing = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=Viewing)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(plan, viewing))
