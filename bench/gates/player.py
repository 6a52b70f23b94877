"""A load in a process of its own, which takes orders, and what processes cost."""

import asyncio
import sys
from pathlib import Path
from typing import Any, Self

import msgspec
import psutil

LONGEST_LINE = 64 * 1024 * 1024


class Player:
    """One `bench.gates.load`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, role: str, plan: Path) -> Self:
        """Start it, with its gates connected."""
        argv = (sys.executable, "-m", "bench.gates.load", role, str(plan))
        pipe = asyncio.subprocess.PIPE
        player = cls(await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, limit=LONGEST_LINE))
        await player.answer()
        return player

    def order(self, **order: Any) -> None:
        """Say what to do; an empty order says: now."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")

    async def answer(self) -> Any:
        """Return what came of it."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load ended early")
        return msgspec.json.decode(line)

    async def do(self, **order: Any) -> Any:
        """Have it done."""
        self.order(**order)
        return await self.answer()

    async def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process and its children have used."""
    mine = psutil.Process(pid)
    times = [one.cpu_times() for one in (mine, *mine.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))
