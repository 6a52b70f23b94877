"""Join what a follower missed to what comes live, with neither gap nor double.

The order that makes it safe, whoever does the waiting:

1. begin to hold live deliveries back (`Held`), 2. ask the broker for deliveries, 3. read history,
4. give the follower what history holds (`recovered` or `latest`), 5. let go what was held back; what is old is skipped.

A follower that is live checks each publication against its position (`judge`), so a gap is told and never hidden.
"""

from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from channels.broadcast import Broadcast
from channels.stream import History, Position, Publication

MOST_RECOVERED: Final = 300
MOST_HELD: Final = 512


def recovered(history: History, since: Position) -> tuple[Publication, ...] | None:
    """Return all that was missed after ``since``, or None where that can no longer be known: never a part."""
    if since.epoch not in ("", history.top.epoch):
        return None
    missed = tuple(p for p in history.publications if p.offset > since.offset)
    complete = len(missed) == history.top.offset - since.offset
    return missed if complete and len(missed) <= MOST_RECOVERED else None


def latest(history: History, since: Position | None) -> tuple[Publication, ...] | None:
    """Return the newest publication, nothing where the follower has it already, or None where there is none."""
    if not history.publications or history.publications[0].offset != history.top.offset:
        return None
    return () if since == history.top else (history.publications[0],)


class Verdict(Enum):
    """What to do with a live publication."""

    SEND = auto()
    SKIP = auto()
    GAP = auto()


def judge(position: Position, publication: Publication) -> Verdict:
    """Compare a publication with where its follower stands; one outside any history always passes."""
    if not publication.offset:
        return Verdict.SEND
    if position.epoch not in ("", publication.epoch):
        return Verdict.GAP
    if publication.offset <= position.offset:
        return Verdict.SKIP
    return Verdict.SEND if publication.offset == position.offset + 1 else Verdict.GAP


class Held:
    """Deliveries held back until history has been read; what does not fit makes it incomplete."""

    __slots__ = ("_broadcasts", "_most", "incomplete")

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._broadcasts: list[Broadcast] = []
        self.incomplete = False

    def add(self, broadcast: Broadcast) -> None:
        """Hold one more, or remember that one is missing."""
        if len(self._broadcasts) < self._most:
            self._broadcasts.append(broadcast)
        else:
            self.incomplete = True

    def release(self) -> Iterator[Broadcast]:
        """Let all of them go, in the order they came."""
        broadcasts, self._broadcasts = self._broadcasts, []
        return iter(broadcasts)
