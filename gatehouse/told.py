"""Runs something until it is told to stop."""

import asyncio
import signal
from collections.abc import Awaitable


async def until_told(running: Awaitable[None]) -> None:
    """Run until Ctrl-C or SIGTERM, then let what runs finish in order."""
    task = asyncio.ensure_future(running)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
