"""One pass used twice: found afterwards, when gates that decided alone have told what they saw.

A gate without a link cannot know that a pass went in elsewhere a minute ago. What it tells late may come in any order,
so nothing follows from the order of telling: the walks are put into the order of their moments first.
"""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct


class Seen(Struct, frozen=True, kw_only=True):
    """One walk of a pass across the border of the site; `number` is that of its event in the log."""

    number: int
    gate_id: int
    at: datetime
    comes_in: bool
    """In from the street; else it is out, or was said to be."""
    offline: bool = False
    """Its gate decided alone."""
    again_after_s: float | None = None
    """Into this zone the pass may go again after so many seconds, whether or not it was seen leaving."""


def doubles(walks: Iterable[Seen]) -> list[tuple[Seen, Seen]]:
    """Returns the entries of a pass that follow each other at two gates without a way out between.

    Where a server that knew of both admitted them, passback was not asked for, and that is no double use.
    """
    pairs = list[tuple[Seen, Seen]]()
    before: Seen | None = None
    for walk in sorted(walks, key=lambda walk: (walk.at, walk.number)):
        if not walk.comes_in:
            before = None
            continue
        if before is not None and _is_double(before, walk):
            pairs.append((before, walk))
        before = walk
    return pairs


def told_by(pair: tuple[Seen, Seen]) -> int:
    """Returns the number of the event that brings a pair to light: the last offline entry of it that was told."""
    return max(walk.number for walk in pair if walk.offline)


def _is_double(before: Seen, walk: Seen) -> bool:
    if before.gate_id == walk.gate_id or not (before.offline or walk.offline):
        return False
    return walk.again_after_s is None or (walk.at - before.at).total_seconds() < walk.again_after_s
