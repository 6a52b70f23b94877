"""A fleet in a process of its own: `python -m simulators FLEET.json`; GATEHOUSE_CRASH_AT names a crash point.

A parent starts its children with `--share 2/5 --since SECONDS`; they end when their standard input does.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

import uvloop

from simulators.crash import VARIABLE
from simulators.plan import PlanUnreadable
from simulators.running import run_fleet
from simulators.share import share


async def _run(given: argparse.Namespace) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(ending, stop.set)
    if given.share is not None:
        # Nothing ever comes, so that it can be read only when the parent is no more.
        loop.add_reader(sys.stdin.fileno(), stop.set)
    async with asyncio.TaskGroup() as group:
        # Gates say farewell when they are cancelled.
        crash_at = os.environ.get(VARIABLE, "")
        fleet = group.create_task(
            run_fleet(given.file, share=given.share, since_s=given.since, crash_at=crash_at)
        )
        await stop.wait()
        fleet.cancel()


def main() -> None:
    """Runs until interrupted or terminated."""
    parser = argparse.ArgumentParser(
        prog="python -m simulators", description="Runs the gates of a fleet file."
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--share", type=share, help=argparse.SUPPRESS)
    parser.add_argument("--since", type=float, default=0.0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        uvloop.run(_run(given))
    except* PlanUnreadable as problems:
        sys.exit(f"simulators: {problems.exceptions[0]}")


if __name__ == "__main__":
    main()
