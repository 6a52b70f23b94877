"""A pass as a gate's list has it: short names, since a site may have a hundred thousand, and back into facts.

A list has a digest that tells whether two lists are the same, and that a change moves without the other lines: the XOR
of the SHA-256 of every line. Anybody can make lines up to a given XOR, so it says nothing of who wrote them; that is
said by the signatures under all that a gate is told of its list.
"""

from collections.abc import Iterable, Mapping
from enum import IntFlag
from hashlib import sha256

import msgspec
from msgspec import Struct, field

from domain.access.rules.facts import OwnPassback, PassFacts
from domain.access.rules.hours import Hours


class ListFlag(IntFlag):
    """What a list says of a pass; the first three as in the pass itself (`token.Flag`)."""

    SINGLE_ENTRY = 1
    NEEDS_ESCORT = 2
    LIVE_CODE = 4
    ESCORTS = 8
    OPENS = 16
    BLOCKED = 32
    WATCHED = 64
    UNPAID = 128
    REVOKED = 256
    HOST = 512
    """Its holder lets in guests of the same party."""


class Listed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the list."""

    pass_id: int = field(name="p")
    zones: int = field(name="z")
    valid_from: int = field(name="f")
    valid_until: int = field(name="u")
    """Unix seconds; the first second in which it no longer opens."""
    flags: int = field(name="x", default=0)
    schedule_id: int | None = field(name="w", default=None)
    passback: OwnPassback | None = field(name="b", default=None)
    party: int | None = field(name="g", default=None)
    """Who belongs together: a host and the guests that the host may escort have one number."""
    digests: tuple[str, ...] = field(name="c", default=())
    """The first bytes of the digests of its cards, PINs and plates, in hexadecimal digits."""


EMPTY = bytes(32)
"""The digest of a list without lines."""
NEVER = Hours(week=((),) * 7)
"""What a schedule means that nobody has told."""
_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical(line: Listed) -> bytes:
    """Returns the one way to write a line: JSON with sorted keys, no white space, and nothing that is as usual."""
    return _ENCODER.encode(line)


def toggled(digest: bytes, lines: Iterable[Listed]) -> bytes:
    """Returns the digest of a list after these lines were put in, or taken out: both are the same to it."""
    number = int.from_bytes(digest)
    for line in lines:
        number ^= int.from_bytes(sha256(canonical(line)).digest())
    return number.to_bytes(32)


def may_escort(other: Listed, guest: Listed) -> bool:
    """Returns whether the holder of another pass may take a guest along, as far as the list tells."""
    if other.pass_id == guest.pass_id or other.flags & ListFlag.REVOKED:
        return False
    if other.flags & ListFlag.ESCORTS:
        return True
    hosts = other.flags & ListFlag.HOST and not guest.flags & ListFlag.HOST
    return bool(hosts and guest.party is not None and other.party == guest.party)


def facts_of(line: Listed, site_id: int, hours: Mapping[int, Hours]) -> PassFacts:
    """Returns what a line says, for the rules; a schedule that is not known is never open."""
    return PassFacts(
        pass_id=line.pass_id,
        site_id=site_id,
        zones=line.zones,
        valid_from=line.valid_from,
        valid_until=line.valid_until,
        entries="single" if line.flags & ListFlag.SINGLE_ENTRY else "many",
        hours=None if line.schedule_id is None else hours.get(line.schedule_id, NEVER),
        passback=line.passback,
        revoked=bool(line.flags & ListFlag.REVOKED),
        blocked=bool(line.flags & ListFlag.BLOCKED),
        watched=bool(line.flags & ListFlag.WATCHED),
        unpaid=bool(line.flags & ListFlag.UNPAID),
        needs_escort=bool(line.flags & ListFlag.NEEDS_ESCORT),
        live_code=bool(line.flags & ListFlag.LIVE_CODE),
        opens=bool(line.flags & ListFlag.OPENS),
    )
