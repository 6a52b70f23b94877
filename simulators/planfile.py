"""A fleet file that may change while the fleet runs."""

import asyncio
import logging
from pathlib import Path

from simulators.plan import PlanUnreadable, load

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5


class PlanFile:
    """Holds the plan as last read; a change that cannot be read is told and changes nothing.

    Raises:
        PlanUnreadable: there is no plan to begin with.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self.plan = load(path)

    async def changed(self) -> None:
        """Returns once there is another plan."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                continue
            self._stamp = stamp
            try:
                self.plan = load(self._path)
            except PlanUnreadable as error:
                logger.warning("the fleet goes on as before: %s", error)
            else:
                return


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size
