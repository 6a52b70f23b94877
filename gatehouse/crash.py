"""Named points at which a process of the house ends or stops itself, for tests of what it must not lose.

`GATEHOUSE_CRASH_AT=before_ack:3` kills it with -9 when the point is reached for the third time; `before_ack:3:STOP`
stops it there instead, so that a test may kill something else at that very moment. Unset, points cost a call.
"""

import os
import signal
from collections.abc import Callable, Mapping

VARIABLE = "GATEHOUSE_CRASH_AT"
POINTS = ("before_commit", "after_commit", "before_publish", "after_publish", "before_ack", "after_ack")

Reached = Callable[[str], None]


class CrashPoint:
    """Called with the name of each point that is reached."""

    def __init__(self, where: str = "") -> None:
        name, times, how, *_ = [*where.split(":"), "", ""]
        if name not in ("", *POINTS):
            raise ValueError(f"there is no crash point {name}; there are {', '.join(POINTS)}")
        self._name = name
        self._left = int(times or 1)
        self._signal = signal.Signals[f"SIG{how or 'KILL'}"]

    def __call__(self, point: str) -> None:
        """Return, unless this is where and when to end."""
        if point != self._name:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._signal)


def crash_point(environ: Mapping[str, str] = os.environ) -> Reached:
    """Return what the environment asks for."""
    return CrashPoint(environ.get(VARIABLE, ""))
