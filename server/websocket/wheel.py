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


class Sleeper(Protocol):
    """Who waits for moments."""

    slot: "Slot | None"
    """The wheel's own note of where it stands; None at first."""

    @property
    def moment(self) -> float:
        """The next moment on the wheel's clock, `inf` for none."""

    def tick(self) -> None:
        """Do what is due by now; `moment` is to move on by it."""


class Slot:
    """Those whose moment comes in the same resolution."""

    __slots__ = ("number", "sleepers")

    def __init__(self, number: int) -> None:
        self.number = number
        self.sleepers: list[Sleeper] = []


class Wheel:
    """Wake connections."""

    __slots__ = ("_resolution_s", "_slots", "_turned", "_waking", "clock")

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, resolution_s: float = RESOLUTION_S
    ) -> None:
        self.clock = clock
        self._resolution_s = resolution_s
        self._slots: dict[int, Slot] = {}
        self._turned = self._now()
        """The newest slot whose time had come when the wheel was last turned."""
        self._waking = False

    def place(self, sleeper: Sleeper) -> None:
        """Have it woken at its moment; call this whenever the moment may have come nearer."""
        moment = sleeper.moment
        if moment == inf:
            return
        number = max(ceil(moment / self._resolution_s), self._turned + 1)
        if sleeper.slot is not None:
            if sleeper.slot.number <= number:
                return
            self.remove(sleeper)
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = Slot(number)
        slot.sleepers.append(sleeper)
        sleeper.slot = slot
        if not self._waking:
            self._wake_later(self._resolution_s)

    def remove(self, sleeper: Sleeper) -> None:
        """Wake it no more."""
        slot, sleeper.slot = sleeper.slot, None
        if slot is None:
            return
        slot.sleepers.remove(sleeper)
        if not slot.sleepers:
            del self._slots[slot.number]

    def turn(self) -> bool:
        """Wake whose moment has come, a portion of them; return whether more of them wait."""
        now, left = self._now(), PORTION
        self._turned = now  # who is placed from here on stands in a later slot, so that this ends
        for slot in sorted((slot for number, slot in self._slots.items() if number <= now), key=_number):
            while left and slot.sleepers:
                left -= 1
                sleeper = slot.sleepers[-1]
                self.remove(sleeper)
                if sleeper.moment <= self.clock():
                    sleeper.tick()
                self.place(sleeper)
        return any(number <= now for number in self._slots)

    def __len__(self) -> int:
        """How many wait."""
        return sum(len(slot.sleepers) for slot in self._slots.values())

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


def _number(slot: Slot) -> int:
    return slot.number
