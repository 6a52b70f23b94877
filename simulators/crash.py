"""Named points at which a simulated gate loses its power, for tests of what it must not lose."""

import os
import signal
from typing import Literal, get_args

VARIABLE = "GATEHOUSE_CRASH_AT"
Point = Literal[
    "mid_append", "after_append", "before_publish", "after_publish", "before_forget", "after_forget"
]


class CrashPoint:
    """Kills this process with SIGKILL when a point is reached for the n-th time: `after_append` or `after_append:3`."""

    def __init__(self, where: str = "") -> None:
        self._name, _, times = where.partition(":")
        self._left = int(times or 1)
        if self._name not in ("", *get_args(Point)):
            raise ValueError(f"there is no crash point {self._name}; there are {', '.join(get_args(Point))}")

    def reach(self, point: Point) -> None:
        """Returns, unless this is where and when to die."""
        if point != self._name:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


NOWHERE = CrashPoint()
