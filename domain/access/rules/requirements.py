"""What a pass must meet to open a gate: one function each, pure, with what it looked at and what speaks against it.

Each returns None where there is nothing to look at, else its inputs and the reason to refuse, or None for no reason.
"""

from collections.abc import Callable

from domain.access.rules.credentials import Credential
from domain.access.rules.facts import Facts, Passback, PassFacts, ZoneFacts
from domain.access.rules.hours import Hours, WallClock, is_open, spans_of, written
from domain.access.rules.live_code import DRIFT, STEP_S
from domain.access.rules.reasons import Reason
from domain.access.rules.verdict import Inputs

TRIES = 5
"""Wrong PINs at one gate within a minute; after that not even a right one opens. A million PINs take months so."""

Finding = tuple[Inputs, Reason | None]
Requirement = Callable[[Facts, PassFacts | None, float], Finding | None]
_ZONES = range(32)


def token(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """It is a pass of ours."""
    if facts.failures >= TRIES:
        return {"failures": facts.failures, "most": TRIES}, Reason.TOO_MANY_TRIES
    match facts.token:
        case Reason():
            return {}, facts.token
        case Credential():
            return {"pass_id": facts.token.pass_id, "method": facts.token.method}, None
        case _:
            return {"pass_id": facts.token.pass_id, "key_id": facts.token.key_id}, None


def standing(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """It is known, not withdrawn, and paid; without a link, the zone lets gates decide at all."""
    inputs: Inputs = {"link": facts.link, "policy": facts.policy if facts.link == "offline" else None}
    if facts.link == "offline" and facts.policy == "deny":
        return inputs, Reason.OFFLINE
    if pass_ is None:
        return inputs, Reason.UNKNOWN
    inputs |= {"revoked": pass_.revoked, "unpaid": pass_.unpaid}
    if pass_.revoked:
        return inputs, Reason.REVOKED
    return inputs, Reason.UNPAID if pass_.unpaid else None


def window(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """Now is within its time."""
    if pass_ is None:
        return None
    inputs: Inputs = {"now": now, "from": pass_.valid_from, "until": pass_.valid_until}
    # Written so that a time that is no number refuses.
    if not now >= pass_.valid_from:
        return inputs, Reason.NOT_YET
    return inputs, None if now < pass_.valid_until else Reason.EXPIRED


def hours(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """The clock on the wall shows an hour of the pass and of the zone; hours without a clock refuse."""
    theirs = pass_.hours if pass_ is not None else None
    zones = facts.enters.hours if facts.enters is not None else None
    if theirs is None and zones is None:
        return None
    clock = facts.clock
    inputs: Inputs = {
        "weekday": clock.weekday if clock else None,
        "minute": clock.minute if clock else None,
        "holiday": clock.holiday if clock else None,
    }
    refused = False
    for whose, asked in (("pass", theirs), ("zone", zones)):
        if asked is not None:
            within = clock is not None and is_open(asked, clock)
            inputs |= {f"{whose}_open": within, f"{whose}_hours": _today(asked, clock)}
            refused |= not within
    return inputs, Reason.OUT_OF_HOURS if refused else None


def _today(hours: Hours, clock: WallClock | None) -> str | None:
    return None if clock is None else written(spans_of(hours, clock))


def place(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """It is for this site and for the zone it leads into."""
    if pass_ is None:
        return None
    zone = facts.enters.ordinal if facts.enters is not None else None
    inputs: Inputs = {
        "site": facts.gate.site_id,
        "pass_site": pass_.site_id,
        "zone": zone,
        "pass_zones": pass_.zones,
    }
    if pass_.site_id != facts.gate.site_id:
        return inputs, Reason.WRONG_VENUE
    if zone is None or (zone in _ZONES and pass_.zones >> zone & 1):
        return inputs, None
    return inputs, Reason.WRONG_ZONE


def watch_list(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """Nobody is to keep its holder out."""
    if pass_ is None:
        return None
    inputs: Inputs = {"blocked": pass_.blocked, "watched": pass_.watched}
    return inputs, Reason.BLOCKED if pass_.blocked else None


def mode(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """The gate is in service and not locked."""
    gate = facts.gate
    inputs: Inputs = {"mode": gate.mode, "enabled": gate.enabled}
    if not gate.enabled:
        return inputs, Reason.GATE_DISABLED
    return inputs, None if gate.mode in ("normal", "free") else Reason.LOCKDOWN


def first_person(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """A zone that waits for its first person has been opened today, or is being opened."""
    zone = facts.enters
    if zone is None or not zone.first_person:
        return None
    opens = pass_ is not None and pass_.opens
    inputs: Inputs = {"opened": zone.opened, "opens": opens}
    return inputs, None if zone.opened or opens else Reason.NOT_OPEN


def live_code(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """A pass that shows a rotating code shows a fresh one, of its own, and not a second time."""
    if pass_ is None or not pass_.live_code:
        return None
    shown = facts.code
    if shown is None:
        return {"shown": False}, Reason.STALE_CODE
    age = now - shown.step * STEP_S
    inputs: Inputs = {"shown": True, "genuine": shown.genuine, "age": age, "used": shown.used}
    fresh = shown.genuine and -DRIFT * STEP_S <= age < (1 + DRIFT) * STEP_S and not shown.used
    return inputs, None if fresh else Reason.STALE_CODE


def reuse(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """It is not inside already.

    A single entry counts at the street only; walking on from zone to zone inside is one visit.
    """
    if pass_ is None:
        return None
    zone, rule = facts.enters, passback_of(pass_, facts.enters)
    inputs: Inputs = {
        "entries": pass_.entries,
        "entered": pass_.entered,
        "held": pass_.held,
        "inside": pass_.inside_zone,
        "leaves": facts.leaves,
        "zone": zone.ordinal if zone else None,
        "passback": rule,
    }
    if zone is None:
        return inputs, None
    if pass_.entries == "single" and facts.leaves is None and (pass_.entered > 0 or pass_.held):
        return inputs, Reason.ALREADY_USED
    if rule == "off":
        return inputs, None
    # From the street comes only who is outside, wherever inside the pass was seen last.
    within = pass_.inside_zone == zone.ordinal or (facts.leaves is None and pass_.inside_zone is not None)
    if rule == "timed" and within and not pass_.held:
        since = None if pass_.moved_at is None else now - pass_.moved_at
        inputs |= {"since": since, "for": zone.passback_s}
        within = since is not None and since < zone.passback_s
    return inputs, Reason.PASSBACK if within or pass_.held else None


def passback_of(pass_: PassFacts, zone: ZoneFacts | None) -> Passback:
    """Returns the rule that holds: that of the pass where it has one of its own, else that of the zone."""
    if pass_.passback is not None:
        return pass_.passback
    return "off" if zone is None else zone.passback


def order(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """Into a zone that asks for it comes only who was seen in the zone before."""
    zone = facts.enters
    if pass_ is None or zone is None or not zone.in_order or facts.leaves is None:
        return None
    inputs: Inputs = {"inside": pass_.inside_zone, "leaves": facts.leaves}
    return inputs, None if pass_.inside_zone == facts.leaves else Reason.OUT_OF_ORDER


def capacity(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """There is a place, counting those that are promised."""
    zone = facts.enters
    if zone is None or zone.capacity is None:
        return None
    inputs: Inputs = {"capacity": zone.capacity, "inside": zone.inside, "held": zone.held}
    return inputs, Reason.FULL if zone.inside + zone.held >= zone.capacity else None


def escort(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """Who may not walk alone does not."""
    if pass_ is None or not pass_.needs_escort:
        return None
    return {"escorted": facts.escorted}, None if facts.escorted else Reason.ESCORT_NEEDED


def second_person(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """Nobody is the only one in a zone that wants two."""
    zone = facts.enters
    if zone is None or not zone.two_person:
        return None
    inputs: Inputs = {"inside": zone.inside, "held": zone.held, "accompanied": facts.accompanied}
    alone = zone.inside + zone.held == 0 and not facts.accompanied
    return inputs, Reason.SECOND_PERSON if alone else None


REQUIREMENTS: tuple[tuple[str, Requirement], ...] = (
    ("token", token),
    ("standing", standing),
    ("window", window),
    ("hours", hours),
    ("place", place),
    ("watch_list", watch_list),
    ("mode", mode),
    ("first_person", first_person),
    ("live_code", live_code),
    ("reuse", reuse),
    ("order", order),
    ("capacity", capacity),
    ("escort", escort),
    ("second_person", second_person),
)
"""In this order, from what is told by the pass alone to what depends on who else is there."""
