"""What a gate remembers of those it has seen: enough to refuse a second entry, or a code shown twice, without a link.

It lives in memory alone and has bounds; a gate that was cut off and lost its power starts with none.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator

from msgspec import Struct

CAPACITY = 10_000
"""Passes remembered; the one not seen for longest is forgotten first."""
ESCORTED_S = 60.0
"""For so long whoever was let in may take somebody along."""
ACCOMPANIED_S = 15.0
"""For so long a pass that was refused for want of a second person waits for one."""
TRIES_S = 60.0
AT_ONCE = 1_000
"""People, and wrong PINs, of the last minute."""


class Seen(Struct, frozen=True, kw_only=True):
    """What is known of a pass, of the zone it would enter, and of others there, besides the list."""

    entered: int = 0
    held: bool = False
    inside_zone: int | None = None
    moved_at: float | None = None
    last_step: int = 0
    last_zone: int | None = None
    """The last rotating code taken, and the zone that it opened."""
    capacity: int | None = None
    zone_inside: int = 0
    zone_held: int = 0
    opened_at: float | None = None
    """When somebody who may open the zone entered it last."""
    escorted: bool = False
    accompanied: bool = False
    failures: int = 0


class _Pass(Struct):
    entered: int = 0
    inside: int | None = None
    moved_at: float | None = None
    step: int = 0
    step_zone: int | None = None


class Memory:
    """Passages, admissions and refusals, as this gate saw them."""

    def __init__(self) -> None:
        self._passes: OrderedDict[int, _Pass] = OrderedDict()
        self._inside: Counter[int | None] = Counter()
        self._opened: dict[int, float] = {}
        self._admitted: deque[tuple[float, int, int | None]] = deque(maxlen=AT_ONCE)
        self._waiting: deque[tuple[float, int, int | None]] = deque(maxlen=AT_ONCE)
        self._wrong_pins: deque[float] = deque(maxlen=AT_ONCE)

    def walked(self, pass_id: int, *, leaves: int | None, enters: int | None, now: float) -> None:
        """Remembers a passage from one zone (None = the street) into another."""
        seen = self._of(pass_id)
        seen.entered += leaves is None and enters is not None
        self._inside[seen.inside] -= 1
        seen.inside, seen.moved_at = enters, now
        self._inside[enters] += 1

    def opened(self, zone: int, now: float) -> None:
        """Remembers that somebody who may open a zone has entered it."""
        self._opened[zone] = now

    def admitted(self, pass_id: int, enters: int | None, now: float, *, step: int = 0) -> None:
        """Remembers who was let in, and by which rotating code (0 = none)."""
        self._admitted.append((now, pass_id, enters))
        if step:
            seen = self._of(pass_id)
            seen.step, seen.step_zone = max(seen.step, step), enters

    def waits(self, pass_id: int, enters: int | None, now: float) -> None:
        """Remembers a good pass that waits for a second person."""
        self._waiting.append((now, pass_id, enters))

    def wrong_pin(self, now: float) -> None:
        """Remembers a PIN that nobody has."""
        self._wrong_pins.append(now)

    def companions(self, pass_id: int, enters: int | None, now: float) -> Iterator[int]:
        """Yields the passes of others who were let into a zone a moment ago."""
        for at, other, zone in self._admitted:
            if other != pass_id and zone == enters and now - at <= ESCORTED_S:
                yield other

    def seen(self, pass_id: int, enters: int | None, now: float) -> Seen:
        """Returns what was seen of a pass, and of the zone it would enter."""
        seen = self._passes.get(pass_id) or _Pass()
        accompanied = any(
            other != pass_id and zone == enters and now - at <= ACCOMPANIED_S
            for at, other, zone in self._waiting
        )
        return Seen(
            entered=seen.entered,
            inside_zone=seen.inside,
            moved_at=seen.moved_at,
            last_step=seen.step,
            last_zone=seen.step_zone,
            zone_inside=0 if enters is None else self._inside[enters],
            opened_at=None if enters is None else self._opened.get(enters),
            accompanied=accompanied,
            failures=sum(now - at < TRIES_S for at in self._wrong_pins),
        )

    def _of(self, pass_id: int) -> _Pass:
        if (seen := self._passes.get(pass_id)) is None:
            seen = self._passes[pass_id] = _Pass()
            self._inside[None] += 1
        self._passes.move_to_end(pass_id)
        if len(self._passes) > CAPACITY:
            _, forgotten = self._passes.popitem(last=False)
            self._inside[forgotten.inside] -= 1
        return seen
