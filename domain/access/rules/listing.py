"""A pass as a gate's list has it: short names, since a site may have a hundred thousand, and back into facts."""

from collections.abc import Mapping
from enum import IntFlag
from typing import Literal

from msgspec import Struct, field

from domain.access.rules.facts import PassFacts
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


class Listed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the list."""

    pass_id: int = field(name="p")
    zones: int = field(name="z")
    valid_from: int = field(name="f")
    valid_until: int = field(name="u")
    """Unix seconds; the first second in which it no longer opens."""
    flags: int = field(name="x", default=0)
    schedule_id: int | None = field(name="w", default=None)
    passback: Literal["hard", "soft", "off"] | None = field(name="b", default=None)
    party: int | None = field(name="g", default=None)
    """Who belongs together: a host and the guests that the host may escort have one number."""
    digests: tuple[str, ...] = field(name="c", default=())
    """The first bytes of the digests of its cards, PINs and plates, in hexadecimal digits."""


def facts_of(line: Listed, site_id: int, hours: Mapping[int, Hours]) -> PassFacts:
    """Returns what a line says, for the rules; a schedule that is not known is never open."""
    return PassFacts(
        pass_id=line.pass_id,
        site_id=site_id,
        zones=line.zones,
        valid_from=line.valid_from,
        valid_until=line.valid_until,
        entries="single" if line.flags & ListFlag.SINGLE_ENTRY else "many",
        hours=None if line.schedule_id is None else hours.get(line.schedule_id, _NEVER),
        passback=line.passback,
        revoked=bool(line.flags & ListFlag.REVOKED),
        blocked=bool(line.flags & ListFlag.BLOCKED),
        watched=bool(line.flags & ListFlag.WATCHED),
        unpaid=bool(line.flags & ListFlag.UNPAID),
        needs_escort=bool(line.flags & ListFlag.NEEDS_ESCORT),
        live_code=bool(line.flags & ListFlag.LIVE_CODE),
        opens=bool(line.flags & ListFlag.OPENS),
    )


_NEVER = Hours(week=((),) * 7)
