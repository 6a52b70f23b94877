"""One clock for all connections: each stands in the slot of its next moment, and one timer turns the wheel.

1. Nobody is called before its moment, and at most one resolution (and the work of others) after it.
2. A moment that moves away costs nothing: the connection stays where it is, and is moved on when its slot comes.
3. A slot of thousands is worked off in portions, with the loop between them.
"""

import asyncio
import time
from collections.abc import Callable
from math import ceil, inf
from typing import Final, Protocol

RESOLUTION_S: Final = 0.2
PORTION: Final = 250
NOWHERE: Final = -1


class Sleeper(Protocol):
    """Who waits for moments."""

    slot: int
    """The wheel's own note of where it stands; `NOWHERE` at first."""

    @property
    def moment(self) -> float:
        """The next moment on the wheel's clock, `inf` for none."""

    def tick(self) -> None:
        """Do what is due by now; `moment` is to move on by it."""


class Wheel:
    """Wake connections."""

    __slots__ = ("_resolution_s", "_slots", "_turned", "_waking", "clock")

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, resolution_s: float = RESOLUTION_S
    ) -> None:
        self.clock = clock
        self._resolution_s = resolution_s
        self._slots: dict[int, list[Sleeper]] = {}
        self._turned = self._now()
        """The newest slot whose time had come when the wheel was last turned."""
        self._waking = False

    def place(self, sleeper: Sleeper) -> None:
        """Have it woken at its moment; call this whenever the moment may have come nearer."""
        moment = sleeper.moment
        if moment == inf:
            return
        slot = max(ceil(moment / self._resolution_s), self._turned + 1)
        if sleeper.slot != NOWHERE:
            if sleeper.slot <= slot:
                return
            self.remove(sleeper)
        sleeper.slot = slot
        standing = self._slots.get(slot)
        if standing is None:
            self._slots[slot] = [sleeper]
        else:
            standing.append(sleeper)
        if not self._waking:
            self._wake_later(self._resolution_s)

    def remove(self, sleeper: Sleeper) -> None:
        """Wake it no more."""
        if sleeper.slot == NOWHERE:
            return
        standing = self._slots[sleeper.slot]
        standing.remove(sleeper)
        if not standing:
            del self._slots[sleeper.slot]
        sleeper.slot = NOWHERE

    def turn(self) -> bool:
        """Wake whose moment has come, a portion of them; return whether more of them wait."""
        now, left = self._now(), PORTION
        self._turned = now  # who is placed from here on stands in a later slot, so that this ends
        for slot in sorted(slot for slot in self._slots if slot <= now):
            while left and (standing := self._slots.get(slot)):
                left -= 1
                sleeper = standing[-1]
                self.remove(sleeper)
                if sleeper.moment <= self.clock():
                    sleeper.tick()
                self.place(sleeper)
        return any(slot <= now for slot in self._slots)

    def __len__(self) -> int:
        """How many wait."""
        return sum(map(len, self._slots.values()))

    def _now(self) -> int:
        return int(self.clock() // self._resolution_s)

    def _wake_later(self, seconds: float) -> None:
        self._waking = True
        loop = asyncio.get_running_loop()
        if seconds:
            loop.call_later(seconds, self._wake)
        else:
            loop.call_soon(self._wake)

    def _wake(self) -> None:
        self._waking = False
        more = self.turn()
        if self._slots:
            self._wake_later(0.0 if more else self._resolution_s)
