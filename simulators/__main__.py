"""A fleet in a process of its own: `python -m simulators FLEET.json`; GATEHOUSE_CRASH_AT names a crash point."""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from simulators.fleet import run_fleet


async def _run() -> None:
    stop = asyncio.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(ending, stop.set)
    async with asyncio.TaskGroup() as group:
        # Gates say farewell when they are cancelled.
        fleet = group.create_task(
            run_fleet(Path(sys.argv[1]), crash_at=os.environ.get("GATEHOUSE_CRASH_AT", ""))
        )
        await stop.wait()
        fleet.cancel()


def main() -> None:
    """Runs until interrupted or terminated."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    asyncio.run(_run())


if __name__ == "__main__":
    main()
