"""What a session waits for by the clock: a few named moments, the nearest of them first."""

from collections.abc import Hashable
from math import inf


class Deadlines:
    """Moments by name; setting one again moves it."""

    __slots__ = ("_moments", "nearest")

    def __init__(self) -> None:
        self._moments: dict[Hashable, float] = {}
        self.nearest = inf

    def set(self, name: Hashable, moment: float) -> None:
        """Wait for ``moment``."""
        self._moments[name] = moment
        self.nearest = min(self._moments.values())

    def clear(self, name: Hashable) -> None:
        """Wait no more."""
        if self._moments.pop(name, None) is not None:
            self.nearest = min(self._moments.values(), default=inf)

    def due(self, now: float) -> list[Hashable]:
        """Take the names whose moment has come, earliest first."""
        if now < self.nearest:
            return []
        due = [name for name, moment in self._moments.items() if moment <= now]
        due.sort(key=self._moments.__getitem__)
        for name in due:
            del self._moments[name]
        self.nearest = min(self._moments.values(), default=inf)
        return due

    def __contains__(self, name: Hashable) -> bool:
        """Whether the moment is still to come."""
        return name in self._moments
