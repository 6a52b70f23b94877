"""Whether a gate's log is what the gate wrote: each event under its hash, each linked to the one before, none missing.

1. `hash` is SHA-256 over the hash before and the canonical form, so that no form can be edited alone.
2. `previous_hash` is the hash of the event before, so that none can be dropped, inserted or moved.
3. What stands in columns, for screens and reports, is what the canonical form says; a person is checked by the salted
   hash, and one that was erased is counted, not complained of.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

GENESIS = bytes(32)


class Line(Struct, frozen=True, kw_only=True):
    """One event as the log has it."""

    epoch: bytes
    seq: int
    canonical: bytes
    previous_hash: bytes
    hash: bytes
    known_hash: bytes | None
    """What was noted apart from the log when the event came."""
    columns: Mapping[str, Any]
    salt: bytes | None
    grant_id: int | None


class Finding(Struct, frozen=True, rename="camel"):
    """Something that is not as the gate wrote it."""

    epoch: str
    seq: int
    problem: str


class Chain:
    """Checks one journal, event after event in the order of their numbers."""

    def __init__(self, epoch: bytes) -> None:
        self.epoch = epoch
        self.first = 0
        self.last = 0
        self.events = 0
        self.erased = 0
        self._hash: bytes = GENESIS

    def take(self, line: Line) -> Iterator[Finding]:
        """Yields what is wrong with the next event."""
        if line.seq == self.last + 1 and line.previous_hash != self._hash:
            yield self._finding(line.seq, "does not continue the event before it")
        if sha256(line.previous_hash + line.canonical).digest() != line.hash:
            yield self._finding(line.seq, "is not what its hash covers")
        if line.known_hash != line.hash:
            yield self._finding(line.seq, "came with another hash")
        for problem in _differences(line):
            yield self._finding(line.seq, problem)
        self.erased += line.grant_id is None and b'"pd"' in line.canonical
        self.events += 1
        self.first = self.first or line.seq
        self.last, self._hash = line.seq, line.hash

    def _finding(self, seq: int, problem: str) -> Finding:
        return Finding(self.epoch.hex(), seq, problem)


def _differences(line: Line) -> Iterator[str]:
    try:
        said = msgspec.json.decode(line.canonical, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        yield "is no event"
        return
    expected = _gate_columns(said) if "k" in said else _desk_columns(said)
    for name, value in expected.items():
        if line.columns[name] != value:
            yield f"says another {name} than the gate wrote"
    if said.get("s") != line.seq:
        yield "stands under another number than the gate gave it"
    if "k" in said and line.grant_id is not None and _person(line) != said.get("pd"):
        yield "names another person than the gate did"


def _gate_columns(said: Mapping[str, Any]) -> dict[str, Any]:
    result = said.get("r")
    return {
        "kind": said.get("k"),
        "reason": said.get("c"),
        "direction": said.get("d"),
        "decision": said.get("id"),
        "admit": None if result is None else result == "admit",
        "rid": said.get("rid"),
        "source": said.get("src"),
        "clock": said.get("tq"),
        "at": datetime.fromtimestamp(said.get("t", 0) / 1000, UTC),
        "detail": said.get("x", {}),
    }


def _desk_columns(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "passage",
        "direction": "in" if said.get("action") == "enter" else "out",
        "at": datetime.fromisoformat(str(said.get("at"))),
    }


def _person(line: Line) -> str | None:
    if line.salt is None:
        return None
    return sha256(line.salt + str(line.grant_id).encode()).hexdigest()
