"""Many clients in a process of their own (`bench/c/load.c`), which take orders one at a time."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import msgspec

from bench.fanout.tools import program

Manner = Literal["plain", "socketio", "centrifuge"]
PAYLOAD = 128


class Told(msgspec.Struct, frozen=True):
    """What has happened since the last answer."""

    ready: int
    """Clients that are subscribed now."""
    refused: int
    """Attempts to connect and join that failed."""
    fallen: int
    """Clients that were subscribed and lost their connection."""
    lost: int
    doubled: int
    missing: int
    """Deliveries that have not come in time."""
    published: int
    deliveries: int
    seconds: float
    p50_us: float
    """From publishing to arrival, as p99 and the longest."""
    p99_us: float
    longest_us: float
    wait_p50_ms: float
    """From the order to return to being subscribed again, as the longest."""
    wait_longest_ms: float

    def complete(self, what: str, *, spared: int = 0) -> Self:
        """Return itself if every client got every message once; so many may lose their connection.

        Raises:
            RuntimeError: Something was refused, lost, doubled or did not come.
        """
        if self.refused or self.fallen > spared or self.lost or self.doubled or self.missing:
            raise RuntimeError(f"{what}: not every message reached every client once: {self}")
        return self


class Load:
    """The clients of one server."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls,
        manner: Manner,
        port: int,
        *,
        most: int,
        path: str = "/sub",
        publish_path: str = "/pub",
        tokens: Path | None = None,
        channels: Sequence[str] = (),
    ) -> Self:
        """Start it for at most so many clients; those of the Centrifuge protocol bring a token each."""
        words = (
            manner,
            str(port),
            str(most),
            path,
            publish_path,
            *([str(tokens), *channels] if tokens else []),
        )
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(await program("load"), *words, stdin=pipe, stdout=pipe)
        )

    async def open(self, count: int, *, at_once: int = 50) -> Told:
        """Connect and subscribe so many more."""
        return await self._do(f"open {count} {at_once}")

    async def drop(self, count: int) -> Told:
        """Let go of those who came last."""
        return await self._do(f"drop {count}")

    async def publish(self, seconds: float, burst: int) -> Told:
        """Publish through a client of the same server, the next messages as soon as everybody has the last."""
        return await self._do(f"publish {seconds} {burst}")

    async def publish_so_many(self, count: int) -> Told:
        """Publish so many in the same way, one by one."""
        return await self._do(f"publish_so_many {count}")

    async def come_back(self, spread_s: float) -> Told:
        """Connect all who have fallen, each at a moment within this time, and again where they are refused."""
        return await self._do(f"return {spread_s * 1000}")

    def expect(self, number: int) -> asyncio.Task[Told]:
        """Wait until everybody has the message of this number, which somebody else publishes."""
        return asyncio.create_task(self._do(f"await {number}"))

    async def stop(self) -> None:
        """End it, and with it all connections."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def _do(self, order: str) -> Told:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{order}\n".encode())
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load ended early")
        return msgspec.json.decode(line, type=Told)


def message(number: int, now_ns: int) -> bytes:
    """Return a publication that the clients recognise."""
    text = f'{{"mark":"@#{number:010}:{now_ns:017}@","fill":"'
    return f'{text}{"x" * (PAYLOAD - 2 - len(text))}"}}'.encode()
