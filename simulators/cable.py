"""The wire between a gate and the broker, where it can be cut, or go dead without anybody being told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from simulators.address import address

CHUNK = 65_536
CONNECT_DEADLINE_S = 4.0


class Cable:
    """Hands bytes on both ways; lies there while `laid`."""

    def __init__(self, broker: str) -> None:
        self._broker = address(broker)
        self._served: dict[asyncio.Task[None], _Strand] = {}
        self._down = False
        self.url = ""
        """Where the gate finds the broker through this cable."""

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Cable"]:
        """Lies there while the block runs."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            await self._end()

    def cut(self) -> None:
        """Ends what is connected without a word, and nobody gets through until it is mended."""
        self._down = True
        for strand in self._served.values():
            strand.cut()

    def mend(self) -> None:
        """Lets connections through again."""
        self._down = False

    def deaden(self) -> None:
        """Lets what is connected carry nothing more, and tells nobody; who connects anew gets through."""
        for strand in self._served.values():
            strand.dead = True

    async def _serve(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if self._down or task is None:
            back.transport.abort()
            return
        # Known before there is anybody at the other end, so that a cut meets it too.
        self._served[task] = strand = _Strand(back)
        try:
            with suppress(OSError):
                async with asyncio.timeout(CONNECT_DEADLINE_S):
                    there, onward = await asyncio.open_connection(self._broker.host, self._broker.port)
                await strand.carry(here, there, onward)
        finally:
            del self._served[task]
            strand.cut()

    async def _end(self) -> None:
        tasks = list(self._served)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Strand:
    """One connection through the cable, from before it reaches the broker until both ends have gone."""

    def __init__(self, back: asyncio.StreamWriter) -> None:
        self._ends = [back]
        self._cut = False
        self.dead = False

    async def carry(
        self, here: asyncio.StreamReader, there: asyncio.StreamReader, onward: asyncio.StreamWriter
    ) -> None:
        """Returns once both ends have gone; at once where it was cut before it got there."""
        (back,) = self._ends
        self._ends.append(onward)
        if not self._cut:
            await asyncio.gather(self._pass(here, onward), self._pass(there, back))

    def cut(self) -> None:
        """Ends both ends at once, and that which is still to come."""
        self._cut = True
        for end in self._ends:
            end.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(CHUNK):
                if not self.dead:
                    sink.write(chunk)
                    await sink.drain()
        # Of a dead cable the other end does not even hear that this one has gone.
        if not self.dead:
            sink.transport.abort()
