"""Runs the fleet of a file in as many processes as it needs, as one of them or as the parent of all."""

import resource
from pathlib import Path

from simulators.crash import CrashPoint
from simulators.family import Family
from simulators.fleet import Fleet
from simulators.plan import load
from simulators.share import Share


async def run_fleet(
    path: Path, *, share: Share | None = None, since_s: float = 0.0, crash_at: str = ""
) -> None:
    """Runs a fleet, or the share of it that a parent has given us, until cancelled.

    Raises:
        PlanUnreadable: the file does not tell of a fleet (later changes are only logged).
    """
    _open_many_files()
    while True:
        if share is not None or load(path).fits_one_process:
            await Fleet(path, share=share, since_s=since_s, crash=CrashPoint(crash_at)).run()
        else:
            await Family(path).run()


def _open_many_files() -> None:
    """Lets this process have as many as it may: a gate is a journal of two files, and a socket."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
