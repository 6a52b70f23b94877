"""Chains: the journals of gates, put together from parts that were read in any order.

A run is a stretch of numbers without a hole, each event linked to the one before. However the log is cut into
parts, the runs of a journal laid side by side must join, and cover all that the watermark says.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Literal

from msgspec import Struct

from domain.access.rules.proof import Finding

GENESIS = bytes(32)
State = Literal["stands", "dropped", "unreadable", "lost"]
Journal = tuple[int, bytes]
"""A gate and the epoch of one of its journals."""


class Run(Struct):
    """Events that follow each other: they stand in the log, or came and are not in it for one and the same reason."""

    first: int
    last: int
    state: State
    before: bytes | None = None
    """What the first holds of the event before it; None where it is not in the log."""
    hash: bytes | None = None
    """The hash of the last."""


class Chain(Struct, frozen=True, kw_only=True):
    """One journal: how many of its events are in which state, and up to where none is missing."""

    epoch: bytes
    first: int
    last: int
    counts: Mapping[State, int]
    reached: int

    @property
    def events(self) -> int:
        """How many stand in the log."""
        return self.counts.get("stands", 0)


class Runs(dict[Journal, list[Run]]):
    """The runs of many journals, as they are found."""

    def add(self, journal: Journal, seq: int, state: State, before: bytes | None, own: bytes | None) -> bool:
        """Adds an event; returns whether it continues what was read just before it, where that can be told."""
        known = self.get(journal)
        if known is None:
            self[journal] = [Run(seq, seq, state, before, own)]
            return True
        run = known[-1]
        if run.last + 1 != seq or run.state != state:
            known.append(Run(seq, seq, state, before, own))
            return True
        joined = run.hash == before or before is None
        run.last, run.hash = seq, own
        return joined


def join(epoch: bytes, runs: Iterable[Run]) -> tuple[Chain, list[Finding]]:
    """Returns the journal that the runs make, and what does not join."""
    counts, findings = Counter[State](), list[Finding]()
    first = last = reached = 0
    link: bytes | None = GENESIS
    for run in sorted(runs, key=attrgetter("first", "last")):
        if run.first <= last:
            findings.append(Finding(epoch.hex(), run.first, "stands in the log twice"))
            continue
        if run.first == last + 1 and run.before is not None and link not in (None, run.before):
            findings.append(Finding(epoch.hex(), run.first, "does not continue the event before it"))
        reached = run.last if run.first == reached + 1 else reached
        counts[run.state] += run.last - run.first + 1
        if run.state == "stands":
            first = first or run.first
        last, link = run.last, run.hash
    return Chain(epoch=epoch, first=first, last=last, counts=counts, reached=reached), findings


def measured(chain: Chain, watermark: int, highest: int) -> Iterator[Finding]:
    """Yields where a journal is not as far as it was noted to be."""
    name = chain.epoch.hex()
    if watermark > chain.reached:
        # where a row and its key were both taken away, only the watermark still knows of the event
        lost = watermark - sum(chain.counts.values())
        if lost > 0:
            yield Finding(name, watermark, f"{lost} events up to this one are in the log no more")
        else:
            yield Finding(name, watermark, "is noted as reached, though events before it are missing")
    elif watermark < chain.reached:
        yield Finding(name, chain.reached, "was reached, and the watermark stands lower")
    elif highest != chain.last:
        yield Finding(name, highest, f"is noted as the newest, which is {chain.last}")
