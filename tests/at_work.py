"""Background parts at work for the length of a block."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

LONGEST_S = 20


class Part(Protocol):
    async def run(self) -> None: ...


@asynccontextmanager
async def at_work(*parts: Part) -> AsyncIterator[None]:
    """Run the parts until the block ends, then cancel them; a part that fails fails the test."""
    async with asyncio.timeout(LONGEST_S), asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(part.run()) for part in parts]
        yield
        for one in running:
            one.cancel()
