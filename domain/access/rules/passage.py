"""What a walk through a gate does to the pass that was shown: one arithmetic, for the live state and for its replay.

1. A pass is in one zone at most. It leaves the zone where it was last seen, whatever gate it is seen at next.
2. The latest walk says where it is, by the moment it happened and, of two at once, by its number in the log. So a
   late report of an older walk moves nobody, and the same walks come to the same end in whatever order they are told.
3. Every walk in from the street is an entry, told late or not.
"""

from datetime import datetime, timedelta

from msgspec import Struct

PROMPT = timedelta(seconds=30)
"""So long a live event may take from a gate whose clock is right."""


class Walk(Struct, frozen=True):
    """Somebody left one zone and entered another; None is the street. ``number`` is that of its event in the log."""

    number: int
    left: int | None
    entered: int | None
    at: datetime

    @property
    def comes_in(self) -> bool:
        """Whether the walk led in from the street."""
        return self.left is None and self.entered is not None


class Standing(Struct, frozen=True):
    """Where a pass is by what is known so far; ``moved_by`` is the number of the event that says so."""

    inside: int | None = None
    entered: int = 0
    moved_at: datetime | None = None
    moved_by: int = 0


OUTSIDE = Standing()


def moment(at: datetime, received_at: datetime, *, historical: bool, clock: str) -> datetime:
    """Returns the moment that counts for an event: `at` as its gate has it, where that can be true.

    A gate's clock may be a year off, and a walk of next year would make all later ones of its pass count for nothing.
    So nothing happened after it was received. What is told as it happens, but more than half a minute from its receipt
    or by a clock that was not set (`clock` is `unsure`), happened when it was received. Of what is told late nobody
    knows better than the gate.
    """
    if not historical and (clock == "unsure" or abs(received_at - at) > PROMPT):
        return received_at
    return min(at, received_at)


def after(standing: Standing, walk: Walk) -> Standing:
    """Returns where a pass is after a walk."""
    entered = standing.entered + walk.comes_in
    if _later(standing, walk.at, walk.number):
        return Standing(walk.entered, entered, walk.at, walk.number)
    return Standing(standing.inside, entered, standing.moved_at, standing.moved_by)


def put(standing: Standing, zone: int | None, at: datetime, number: int) -> Standing:
    """Returns where a pass is after somebody on duty said so; nobody walked, so it is no entry."""
    if _later(standing, at, number):
        return Standing(zone, standing.entered, at, number)
    return standing


def together(standing: Standing, other: Standing) -> Standing:
    """Returns where a pass is by two accounts of different walks."""
    entered = standing.entered + other.entered
    moved = other.moved_at is not None and _later(standing, other.moved_at, other.moved_by)
    last = other if moved else standing
    return Standing(last.inside, entered, last.moved_at, last.moved_by)


def _later(standing: Standing, at: datetime, number: int) -> bool:
    return standing.moved_at is None or (at, number) > (standing.moved_at, standing.moved_by)
