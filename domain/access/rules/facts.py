"""What a decision is made from: plain data, gathered by whoever decides, the server or an offline gate."""

from typing import Literal

from msgspec import Struct

from domain.access.rules.credentials import Credential
from domain.access.rules.hours import Hours, WallClock
from domain.access.rules.live_code import CodeFacts
from domain.access.rules.reasons import Reason
from domain.access.rules.token import Flag, PassClaim

Direction = Literal["in", "out"]
Entries = Literal["single", "many"]
Link = Literal["online", "offline"]
Mode = Literal["normal", "free", "locked", "lockdown", "evacuate"]
OfflinePolicy = Literal["deny", "signed_ok", "list_ok", "open"]
Passback = Literal["hard", "soft", "timed", "off"]
OwnPassback = Literal["hard", "soft", "off"]
"""What a pass may say of itself: how long the time of `timed` is, zones know."""


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
    hours: Hours | None = None
    """When it opens within that time; None = always."""
    passback: OwnPassback | None = None
    """A rule of its own for entering a zone twice; None = that of the zone."""
    revoked: bool = False
    blocked: bool = False
    """On the watch-list, to be refused."""
    watched: bool = False
    """On the watch-list, to be let in while somebody is told."""
    unpaid: bool = False
    needs_escort: bool = False
    live_code: bool = False
    """The pass shows a rotating code, and that code must be fresh."""
    opens: bool = False
    """Whoever holds it opens a zone that waits for its first person."""
    entered: int = 0
    """Entries from the street so far."""
    held: bool = False
    """An earlier admit of this pass still waits for its passage (not counting the request now decided)."""
    inside_zone: int | None = None
    """Ordinal of the zone the pass was last seen to enter; None = outside, or not known."""
    moved_at: float | None = None
    """When it was last seen to walk, in Unix seconds."""


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
    hours: Hours | None = None
    """When the zone may be entered; None = always."""
    passback: Passback = "hard"
    """What to do when a pass enters the zone it is in already: refuse, let in and note it, refuse for
    `passback_s` seconds after its last walk, or not care."""
    passback_s: float = 0
    in_order: bool = False
    """Only whoever was seen in the zone before may go on into this one."""
    first_person: bool = False
    """Nobody enters before somebody who may open has, on that day of the site."""
    opened: bool = False
    """Somebody who may open has entered today."""
    two_person: bool = False
    """Nobody enters it alone while it is empty."""


class Facts(Struct, frozen=True, kw_only=True):
    """Everything one decision looks at."""

    token: PassClaim | Credential | Reason
    """What `token.read` answered, or the pass that a card, PIN or plate belongs to."""
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
    clock: WallClock | None = None
    """What the wall of the site shows; None = nobody looked, for nothing here has hours."""
    code: CodeFacts | None = None
    """The rotating code that came along."""
    escorted: bool = False
    """Somebody who may escort this pass is in the zone it enters, or is being let in."""
    accompanied: bool = False
    """Another good pass was shown for this zone a moment ago and waits for a second person."""
    failures: int = 0
    """Wrong PINs at this gate within the last minute."""


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
