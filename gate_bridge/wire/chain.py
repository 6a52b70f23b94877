"""The hash chain of a gate's journal: what an event's hash covers, and how the next one is linked to it.

1. The canonical form of an event is its JSON with the keys sorted, without white space, in UTF-8, without the
   members `ph`, `h`, `p`, `ps`, without members that are absent, null or an empty object; and where there is
   `p`, with `pd` = hex(SHA-256(bytes of `ps` + decimal digits of `p`)). There are no fractions in it; strings
   are escaped as `JSON.stringify` does.
2. `h` = hex(SHA-256(bytes of `ph` + canonical form)); `ph` is the `h` of the event before, 64 zeros at first.
3. `ps` is a fresh random salt for each event. Whoever keeps the canonical form with `ph`, and `p` with `ps`
   apart from it, may erase the person and still verify the chain.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gate_bridge.wire.reports import Event

GENESIS = "0" * 64
"""The `ph` of a journal's first event."""
_ENCODER = msgspec.json.Encoder()


class _Form(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The members in the order of their names, without those that are absent."""

    c: str | None = None
    d: str | None = None
    e: str
    id: str | None = None
    k: str
    pd: str | None = None
    r: str | None = None
    rid: str | None = None
    s: int
    src: str
    t: int
    tq: str
    x: dict[str, Any] | None = None
    z: int | None = None


def canonical(event: Event) -> bytes:
    """Returns the form of an event that its hash covers and that names no person; worth keeping as its record."""
    form = _Form(
        c=event.reason,
        d=event.direction,
        e=event.epoch,
        id=event.decision_id,
        k=event.kind,
        pd=None if event.pass_id is None or event.salt is None else personal_hash(event.salt, event.pass_id),
        r=event.result,
        rid=event.request_id,
        s=event.seq,
        src=event.source,
        t=event.at_ms,
        tq=event.clock,
        x=_known(event.extra) if event.extra else None,
        z=event.zone_id,
    )
    return _ENCODER.encode(form)


def _known(extra: Mapping[str, Any]) -> dict[str, Any] | None:
    return {name: value for name, value in sorted(extra.items()) if value is not None} or None


def personal_hash(salt: str, pass_id: int) -> str:
    """Returns what stands in the canonical form for a pass id."""
    return sha256(bytes.fromhex(salt) + str(pass_id).encode()).hexdigest()


def link(previous_hash: str, canonical_form: bytes) -> str:
    """Returns the hash of an event whose predecessor has `previous_hash`."""
    return sha256(bytes.fromhex(previous_hash) + canonical_form).hexdigest()


def seal(event: Event, previous_hash: str) -> Event:
    """Returns the event as the next link of the chain."""
    return replace(event, previous_hash=previous_hash, hash=link(previous_hash, canonical(event)))


def is_sealed(event: Event) -> bool:
    """Returns whether the event is what its hash covers; that `ph` is right, only its predecessor can tell."""
    return sealed_form(event) is not None


def sealed_form(event: Event) -> bytes | None:
    """Returns the canonical form of an event that is sealed, else None."""
    form = canonical(event)
    return form if event.hash == link(event.previous_hash, form) else None
