"""What all connections of a hub share, so that each of them holds one pointer to it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from channels.host import Host
from channels.limits import Limits
from server.answers import Answers
from server.fanout import Hub
from server.websocket.wheel import Wheel


class Shared:
    """The hub, whoever answers questions, the clock, and the tasks under way."""

    __slots__ = ("_tasks", "answers", "hub", "limits", "version", "wheel")

    def __init__(self, hub: Hub, host: Host, limits: Limits, version: str = "0") -> None:
        self.hub = hub
        self.answers = Answers(hub, host, limits)
        self.limits = limits
        self.version = version
        self.wheel = Wheel()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a task that ends by itself, whether its connection stays or goes."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self, within_s: float) -> None:
        """Let the tasks under way come to their end, for so long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
