"""A stretch of wire between us and a server that a test may cut at a chosen moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class CutLink:
    """Hands bytes on both ways, until answers are held up and the connections cut."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.deaf = False
        """Whether answers are swallowed: what is asked is done, and nobody learns of it."""
        self.broken = False
        """Whether whoever connects is cut off at once."""
        self.passed = 0
        """How many bytes were asked."""
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def cut(self) -> None:
        """End every connection at once, and hear again."""
        for writer in list(self._open):
            writer.transport.abort()
        self.deaf = False

    async def serve(self, upstream: Path, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if self.broken:
            back.transport.abort()
            return
        there, onward = await asyncio.open_unix_connection(str(upstream))
        self._open |= {back, onward}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass(here, onward, asked=True))
                tasks.create_task(self._pass(there, back, asked=False))
        except* OSError:
            pass
        finally:
            self._open -= {back, onward}
            back.transport.abort()
            onward.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, asked: bool) -> None:
        while data := await source.read(65_536):
            if asked:
                self.passed += len(data)
            if asked or not self.deaf:
                sink.write(data)
        raise ConnectionResetError("one end is closed")


@asynccontextmanager
async def cut_link(upstream: Path, path: Path) -> AsyncIterator[CutLink]:
    """Listen at a path, and hand on to another."""
    link = CutLink(path)
    served: set[asyncio.Task[None]] = set()

    async def serve(here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.add(task)
        await link.serve(upstream, here, back)
        served.discard(task)

    server = await asyncio.start_unix_server(serve, str(path))
    try:
        yield link
    finally:
        server.close()
        link.cut()
        await asyncio.gather(*served, return_exceptions=True)
