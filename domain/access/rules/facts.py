"""What a decision is made from: plain data, gathered by whoever decides, the server or an offline gate."""

from typing import Literal

from msgspec import Struct

from domain.access.rules.reasons import Reason
from domain.access.rules.token import Flag, PassClaim

Direction = Literal["in", "out"]
Entries = Literal["single", "many"]
Link = Literal["online", "offline"]
Mode = Literal["normal", "free", "locked", "lockdown", "evacuate"]
OfflinePolicy = Literal["deny", "signed_ok", "list_ok", "open"]
Passback = Literal["hard", "soft", "off"]


class PassFacts(Struct, frozen=True, kw_only=True):
    """A pass as the decider knows it: a row of the server, a line of a gate's list, or the claim itself.

    Times are Unix seconds; the pass opens from `valid_from` up to, not including, `valid_until`.
    """

    pass_id: int
    site_id: int
    zones: int
    """Bit n is set where zone ordinal n of the site may be entered."""
    valid_from: float
    valid_until: float
    entries: Entries = "many"
    passback: Passback = "hard"
    """What to do when the pass enters the zone it is in already: refuse, let in and note it, or not care."""
    revoked: bool = False
    blocked: bool = False
    """On the watch-list."""
    unpaid: bool = False
    needs_escort: bool = False
    live_code: bool = False
    """The pass shows a rotating code, and that code must be fresh."""
    entered: int = 0
    """Entries from the street so far."""
    held: bool = False
    """An earlier admit of this pass still waits for its passage (not counting the request now decided)."""
    inside_zone: int | None = None
    """Ordinal of the zone the pass was last seen to enter; None = outside, or not known."""


class GateFacts(Struct, frozen=True, kw_only=True):
    """The gate the pass was shown at."""

    gate_id: int
    site_id: int
    mode: Mode = "normal"
    enabled: bool = True


class ZoneFacts(Struct, frozen=True, kw_only=True):
    """The zone a passage would lead into."""

    ordinal: int
    capacity: int | None = None
    inside: int = 0
    held: int = 0
    """Places promised by admits whose passage has not come yet."""


class Facts(Struct, frozen=True, kw_only=True):
    """Everything one decision looks at."""

    token: PassClaim | Reason
    """What `token.read` answered."""
    known: PassFacts | None
    """The pass as the decider knows it; None = it has never heard of it."""
    gate: GateFacts
    direction: Direction
    leaves: int | None = None
    """Ordinal of the zone the passage leads out of; None = the street."""
    enters: ZoneFacts | None = None
    """The zone the passage leads into; None = the street."""
    link: Link = "online"
    policy: OfflinePolicy = "deny"
    """What the zone allows a gate that decides alone; looked at only when `link` is offline."""
    code_fresh: bool = False
    """A rotating code came along and is of this or a neighbouring step and was not shown before."""
    escorted: bool = False


def facts_of_claim(claim: PassClaim) -> PassFacts:
    """Returns what the pass alone tells: the whole knowledge of an offline gate that trusts signatures."""
    return PassFacts(
        pass_id=claim.pass_id,
        site_id=claim.site_id,
        zones=claim.zones,
        valid_from=claim.not_before,
        valid_until=claim.not_after,
        entries="single" if claim.flags & Flag.SINGLE_ENTRY else "many",
        needs_escort=bool(claim.flags & Flag.NEEDS_ESCORT),
        live_code=bool(claim.flags & Flag.LIVE_CODE),
    )
