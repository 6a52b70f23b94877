"""What a session waits for by the clock: a few named moments, the nearest of them first."""

from math import inf
from typing import Final, Literal

Moment = Literal["connect", "ping", "pong", "expiry", "subscription"]

MOMENTS: Final[tuple[Moment, ...]] = ("connect", "ping", "pong", "expiry", "subscription")


class Deadlines:
    """Moments by name, in seconds of the session's clock; setting one again moves it.

    There is one for each connection, so it holds floats in slots and nothing else.
    """

    __slots__ = ("nearest", *MOMENTS)

    nearest: float
    """The earliest of them, infinity where nothing is waited for."""
    connect: float
    ping: float
    pong: float
    expiry: float
    subscription: float

    def __init__(self) -> None:
        self.nearest = self.connect = self.ping = self.pong = self.expiry = self.subscription = inf

    def set(self, name: Moment, moment: float) -> None:
        """Wait for ``moment``."""
        setattr(self, name, moment)
        self.nearest = min(self.connect, self.ping, self.pong, self.expiry, self.subscription)

    def clear(self, name: Moment) -> None:
        """Wait no more."""
        if name in self:
            self.set(name, inf)

    def due(self, now: float) -> list[Moment]:
        """Take the names whose moment has come, earliest first."""
        if now < self.nearest:
            return []
        due = sorted((n for n in MOMENTS if getattr(self, n) <= now), key=lambda name: getattr(self, name))
        for name in due:
            self.clear(name)
        return due

    def __contains__(self, name: Moment) -> bool:
        """Whether the moment is still to come."""
        waited: bool = getattr(self, name) < inf
        return waited
