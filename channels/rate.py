"""How often something may happen: many at once, then as many again in the same time.

The bookkeeping is one number, the moment up to which everything that happened is paid for. Each happening moves it on
by its share of the time; who runs ahead of the clock by more than the whole time was too fast, and by more than twice
the time went on after being told. Nothing ticks, and nothing is kept for those who are quiet.
"""

from msgspec import Struct


class Rate(Struct, frozen=True):
    """At most so many in any such time, from a standstill all of them at once."""

    most: int
    within_s: float

    def pay(self, paid_until: float, now: float) -> float:
        """Count one more at ``now``, and return until when all is paid for."""
        return (paid_until if paid_until > now else now) + self.within_s / self.most
