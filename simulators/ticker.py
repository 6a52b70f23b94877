"""One timer for all gates of a process: each is called once a second, spread over it so that none waits for many."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TICK_S = 1.0
SLICES = 20

Tick = Callable[[], None]


class Ticker:
    """`run` it in a task; who is `following` is called once a second until the block ends."""

    def __init__(self) -> None:
        self._slices: list[dict[object, Tick]] = [{} for _ in range(SLICES)]

    async def run(self) -> None:
        """Calls everybody in turn, until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for part in self._slices:
                due = max(due + TICK_S / SLICES, loop.time() - TICK_S)
                await asyncio.sleep(due - loop.time())
                for tick in list(part.values()):
                    tick()

    @contextmanager
    def following(self, tick: Tick) -> Iterator[None]:
        """Has `tick` called while the block runs."""
        me = object()
        part = min(self._slices, key=len)
        part[me] = tick
        try:
            yield
        finally:
            del part[me]
