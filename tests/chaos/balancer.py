"""What stands before several hubs: hands each connection to one of them, any one that takes it."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager


class Balancer:
    """Bytes both ways, until one side ends."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.port = 0

    async def serve(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = back
        try:
            there, onward = await self._reach_any()
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_pass(here, onward))
                    tasks.create_task(_pass(there, back))
            finally:
                onward.transport.abort()
        except (OSError, ExceptionGroup):
            pass
        finally:
            back.transport.abort()
            del self._open[task]

    async def _reach_any(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for port in random.sample(self._ports, len(self._ports)):
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
        raise ConnectionRefusedError("no hub takes connections now")

    async def close(self) -> None:
        """End what is open."""
        # Not by cancelling: asyncio's streams of Python 3.11 complain of a handler that was.
        for back in self._open.values():
            back.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        sink.write(data)
        await sink.drain()
    raise ConnectionResetError("one side has ended")


@asynccontextmanager
async def balancing(ports: Sequence[int]) -> AsyncIterator[Balancer]:
    """Balance between hubs at these ports."""
    balancer = Balancer(ports)
    server = await asyncio.start_server(balancer.serve, "127.0.0.1", 0)
    balancer.port = server.sockets[0].getsockname()[1]
    try:
        yield balancer
    finally:
        server.close()
        await balancer.close()
