"""The clock of a gate, which may be wrong, or run faster than the world."""

import time
from collections.abc import Callable


class Clock:
    """Call it for the seconds since 1970 that the gate believes in."""

    def __init__(self, world: Callable[[], float] = time.time) -> None:
        self._world = world
        self._wrong_s = 0.0
        self._rate = 1.0
        self._since = world()

    def __call__(self) -> float:
        """Returns what the clock shows."""
        now = self._world()
        return now + self._wrong_s + (now - self._since) * (self._rate - 1)

    def step(self, by_s: float) -> None:
        """Shows so many seconds more than the world from now on, at the world's pace."""
        self._wrong_s, self._rate, self._since = by_s, 1.0, self._world()

    def live_through(self, span_s: float, rate: float) -> None:
        """Lives through the last `span_s` seconds once more, fast enough to have caught up at their end."""
        self._wrong_s, self._rate, self._since = span_s / rate - span_s, rate, self._world()

    def set_right(self) -> float:
        """Shows the world's time again; returns by how many seconds that moves it."""
        before = self()
        self.step(0.0)
        return self() - before
