"""Audit: a part of the log gone through, line after line in any order; what it shows is put together with the rest."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from msgspec import Struct

from domain.access.rules.chains import Journal, Runs
from domain.access.rules.minutes import MINUTE_US, Minute, Site, key_leaf, row_of
from domain.access.rules.proof import (
    ADMITS,
    MS_US,
    NOTHING,
    Finding,
    Line,
    Said,
    is_erased,
    is_same_person,
    problems,
    said_in,
)

DAY_US = 86_400_000_000
SiteDay = tuple[int, date]
MOST_TOLD = 1_000
"""Findings that one part tells one by one; where there are more, the first say enough."""


class Absent(Struct, frozen=True):
    """An event that came, is not in the log, and was not dropped with its day."""

    gate_id: int
    epoch: bytes
    seq: int
    hash: bytes


class Audit:
    """Goes through lines. ``sites`` tells where each gate stands, ``dropped`` the days whose events had their term.

    What was received before ``rooted_us`` is gathered by minute, for there are roots to hold it against.
    """

    def __init__(self, sites: Mapping[int, int], dropped: Set[SiteDay], *, rooted_us: int = 0) -> None:
        self.runs = Runs()
        self.findings: list[tuple[int, Finding]] = []
        self.found = 0
        self.events = 0
        self.absent: list[Absent] = []
        self.missing: Counter[SiteDay] = Counter()
        self.erased: Counter[SiteDay] = Counter()
        self.erased_in: Counter[Journal] = Counter()
        self.minutes: dict[Site, Minute] = {}
        self._sites = sites
        self._dropped = dropped
        self._rooted_us = rooted_us

    def take(self, lines: Iterable[Sequence[Any]]) -> None:
        """Goes through some more lines, members in the order of ``Line``; written out flat, for there are millions."""
        sites, rooted_us, add = self._sites, self._rooted_us, self.runs.add
        for line in lines:
            (
                gate_id, epoch, seq, known_hash, known_us, log_id, received_us, site_id, zone_id, late, at_us,
                canonical, before, own, salt, grant_id, kind, reason, direction, decision, admit, rid, source, clock,
                detail,
            ) = line  # fmt: skip
            if known_us is not None and known_us < rooted_us:
                place = (sites.get(gate_id, 0), known_us // MINUTE_US)
                if (minute := self.minutes.get(place)) is None:
                    minute = self.minutes[place] = Minute()
                minute.keys.append(key_leaf(gate_id, epoch, seq, known_us, known_hash))
                if log_id is not None:
                    minute.rows.append(row_of(gate_id, epoch, seq, log_id, zone_id, late))
            if log_id is None:
                self._miss(Line._make(line))
                continue
            self.events += 1
            said = said_in(canonical)
            if (
                said is None
                or not sha256(before + canonical).digest() == own == known_hash
                or received_us != known_us
                or (kind, reason, direction, decision, rid, source, clock)
                != (said.k, said.c, said.d, said.id, said.rid, said.src, said.tq)
                or (seq, at_us, detail, epoch.hex()) != (said.s, said.t * MS_US, "{}", said.e)
                or admit is not ADMITS.get(said.r, False)
                or said.x is not NOTHING
            ):
                self._look_closer(Line._make(line), said)
            if said is not None and (said.pd is not None or grant_id is not None or salt is not None):
                self._look_at_person(Line._make(line), said)
            if sites.get(gate_id) != site_id:
                self.tell(gate_id, epoch, seq, "stands under another site than its gate")
            if not add((gate_id, epoch), seq, "stands", before, own):
                self.tell(gate_id, epoch, seq, "does not continue the event before it")

    def settle(self, quarantined: Iterable[tuple[int | None, bytes]]) -> None:
        """Tells of events that are not in the log whether they are in quarantine, since nobody could read them."""
        unreadable = {(gate_id, sha256(payload).digest()) for gate_id, payload in quarantined}
        for one in self.absent:
            kept = (one.gate_id, one.hash) in unreadable
            self.runs.add((one.gate_id, one.epoch), one.seq, "unreadable" if kept else "lost", None, None)
            if not kept:
                self.tell(one.gate_id, one.epoch, one.seq, "came and is in the log no more")
        self.absent = []

    def was_dropped(self, place: Site) -> bool:
        """Returns whether the events of a minute had their term."""
        return (place[0], day_of(place[1] * MINUTE_US // DAY_US)) in self._dropped

    def tell(self, gate_id: int, epoch: bytes, seq: int, problem: str) -> None:
        """Notes that something is wrong with an event."""
        self.found += 1
        if len(self.findings) < MOST_TOLD:
            self.findings.append((gate_id, Finding(epoch.hex(), seq, problem)))

    def _look_closer(self, line: Line, said: Said | None) -> None:
        for problem in problems(line, said):
            self.tell(line.gate_id, line.epoch, line.seq, problem)

    def _look_at_person(self, line: Line, said: Said) -> None:
        if not is_same_person(line, said):
            self.tell(line.gate_id, line.epoch, line.seq, "names another person than the gate did")
        elif is_erased(line, said):
            self.erased[line.site_id, day_of(line.received_us // DAY_US)] += 1
            self.erased_in[line.gate_id, line.epoch] += 1

    def _miss(self, line: Line) -> None:
        assert line.known_us is not None and line.known_hash is not None, (
            "it is known, or it stands in the log"
        )
        day = (self._sites.get(line.gate_id, 0), day_of(line.known_us // DAY_US))
        if day in self._dropped:
            self.missing[day] += 1
            self.runs.add((line.gate_id, line.epoch), line.seq, "dropped", None, None)
        else:
            self.absent.append(Absent(line.gate_id, line.epoch, line.seq, line.known_hash))


@lru_cache(maxsize=1024)
def day_of(number: int) -> date:
    """Returns the day of Unix time that has this number."""
    try:
        return datetime.fromtimestamp(number * 86_400, UTC).date()
    except (ValueError, OverflowError, OSError):
        return date.max  # a moment that nobody can have meant
