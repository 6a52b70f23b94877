"""Whether an event of the log is what the gate wrote: under its hash, as it came, and saying the same in its columns.

1. `hash` is SHA-256 over the hash before and the canonical form, so that no form can be edited alone.
2. What stands in columns, for screens and reports, is what the canonical form says; a person is checked by the salted
   hash, and one that was erased is counted, not complained of.
3. What the server put beside the event when it came (the moment, the site) is what was noted apart from the log.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

MS_US = 1_000
NOTHING = msgspec.Raw(b"{}")
ADMITS = {None: None, "admit": True}
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Line(NamedTuple):
    """One event as the log has it beside what was noted apart from the log when it came; moments in µs of Unix time.

    ``log_id`` is None where the log has no such event, ``known_us`` where none was noted.
    """

    gate_id: int
    epoch: bytes
    seq: int
    known_hash: bytes | None
    known_us: int | None
    log_id: int | None
    received_us: int
    site_id: int
    zone_id: int | None
    historical: bool
    at_us: int
    canonical: bytes
    previous_hash: bytes
    hash: bytes
    salt: bytes | None
    grant_id: int | None
    kind: str
    reason: str | None
    direction: str | None
    decision: str | None
    admit: bool | None
    rid: str | None
    source: str
    clock: str
    detail: str


class Finding(Struct, frozen=True, rename="camel"):
    """Something that is not as the gate wrote it."""

    epoch: str
    seq: int
    problem: str


class Said(Struct, frozen=True):
    """The canonical form, read: of a gate, or (without ``k``) of the desk."""

    s: int
    k: str | None = None
    e: str | None = None
    t: int = 0
    tq: str | None = None
    c: str | None = None
    d: str | None = None
    id: str | None = None
    r: str | None = None
    rid: str | None = None
    src: str | None = None
    pd: str | None = None
    x: msgspec.Raw = NOTHING
    action: str | None = None
    at: str | None = None


_read = msgspec.json.Decoder(Said).decode


def said_in(canonical: bytes) -> Said | None:
    """Returns what a canonical form says; None if it is no event."""
    try:
        return _read(canonical)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def problems(line: Line, said: Said | None) -> Iterator[str]:
    """Yields all that is wrong with an event, person and site apart."""
    if sha256(line.previous_hash + line.canonical).digest() != line.hash:
        yield "is not what its hash covers"
    if line.known_us is None:
        yield "stands in the log and never came"
    else:
        if line.known_hash != line.hash:
            yield "came with another hash"
        if line.known_us != line.received_us:
            yield "came at another moment than the log says"
    if said is None:
        yield "is no event"
        return
    for name, value in (_gate_columns(said) if said.k is not None else _desk_columns(said)).items():
        if _column(line, name) != value:
            yield f"says another {name} than the gate wrote"
    if said.s != line.seq:
        yield "stands under another number than the gate gave it"
    if said.k is not None and said.e != line.epoch.hex():
        yield "stands in another journal than the gate wrote"


def is_same_person(line: Line, said: Said) -> bool:
    """Returns whether the log names the person that the gate named, or nobody."""
    if line.grant_id is None:
        return line.salt is None
    if said.pd is None:
        return said.k is None  # what the desk wrote before it knew of salted hashes
    return line.salt is not None and sha256(line.salt + str(line.grant_id).encode()).hexdigest() == said.pd


def is_erased(line: Line, said: Said) -> bool:
    """Returns whether the gate named a person and the log does so no more."""
    return line.grant_id is None and said.pd is not None


def _column(line: Line, name: str) -> Any:
    if name == "at":
        return line.at_us
    return msgspec.json.decode(line.detail) if name == "detail" else getattr(line, name)


def _gate_columns(said: Said) -> dict[str, Any]:
    return {
        "kind": said.k,
        "reason": said.c,
        "direction": said.d,
        "decision": said.id,
        "admit": ADMITS.get(said.r, False),
        "rid": said.rid,
        "source": said.src,
        "clock": said.tq,
        "at": said.t * MS_US,
        "detail": msgspec.json.decode(said.x),
    }


def _desk_columns(said: Said) -> dict[str, Any]:
    return {
        "kind": "passage",
        "reason": "ok",
        "direction": "in" if said.action == "enter" else "out",
        "decision": None,
        "admit": True,
        "rid": None,
        "source": "online",
        "clock": "ok",
        "at": _us_of(said.at),
        "detail": {},
    }


def _us_of(moment: str | None) -> int | None:
    try:
        return (datetime.fromisoformat(str(moment)) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError):
        return None
