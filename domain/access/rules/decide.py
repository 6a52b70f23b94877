"""Whether a gate opens: the rules in their order, each leaving a step in the trace; the first that refuses decides.

1. `decide` answers any facts and never raises.
2. The same facts get the same verdict on the server and at an offline gate. Only `standing` and the waiver
   `open` look at the link.
3. Nobody is held inside: where the direction is out, a readable pass of ours opens whatever else speaks
   against it (ended, revoked, lockdown, never seen entering). What would have refused is in the trace as
   waived, so that the guard hears of it. Only what is no pass of ours is refused, and not even that while
   the gate is `free` or in `evacuate`. The push bar beside the gate is hardware and asks nobody.
4. Where the zone's policy is `open`, an offline gate lets in whatever it is shown, except while it is
   locked or disabled.
"""

from collections.abc import Callable

from domain.access.rules.facts import Facts, PassFacts, facts_of_claim
from domain.access.rules.reasons import Reason
from domain.access.rules.verdict import Inputs, Step, Verdict, Waiver

PASSAGE_WINDOW_S = 5.0
"""How long an admit keeps its place and its entry while the person walks through."""

Finding = tuple[Inputs, Reason | None]
Rule = Callable[[Facts, PassFacts | None, float], Finding | None]
_ZONES = range(32)


def decide(facts: Facts, now: float) -> Verdict:
    """Returns the verdict on `facts` at `now` (Unix seconds)."""
    pass_ = _pass(facts)
    trace: list[Step] = []
    for name, rule in _RULES:
        step = _step(name, rule(facts, pass_, now), facts)
        trace.append(step)
        if step.verdict == "deny":
            return Verdict(admit=False, reason=step.reason or Reason.INTERNAL, trace=tuple(trace))
    return Verdict(admit=True, reason=Reason.OK, trace=tuple(trace))


def _step(name: str, finding: Finding | None, facts: Facts) -> Step:
    if finding is None:
        return Step(rule=name, inputs={}, verdict="skipped")
    inputs, reason = finding
    if reason is None:
        return Step(rule=name, inputs=inputs, verdict="pass")
    waiver = _waiver(facts, name, reason)
    return Step(
        rule=name, inputs=inputs, verdict="waived" if waiver else "deny", reason=reason, waiver=waiver
    )


def _waiver(facts: Facts, rule: str, reason: Reason) -> Waiver | None:
    gate = facts.gate
    if facts.direction == "out" and (rule != "token" or gate.mode in ("free", "evacuate")):
        return "exit"
    if rule == "mode":
        return None
    if gate.mode == "free":
        return "free"
    if facts.link == "offline" and facts.policy == "open":
        return "open"
    if reason is Reason.PASSBACK and facts.known is not None and facts.known.passback == "soft":
        return "soft"
    return None


def _pass(facts: Facts) -> PassFacts | None:
    """What is believed of the pass: what the decider knows, else, where signatures are trusted, what it says itself."""
    if isinstance(facts.token, Reason):
        return None
    if facts.known is not None:
        return facts.known if facts.known.pass_id == facts.token.pass_id else None
    if facts.link == "offline" and facts.policy == "signed_ok":
        return facts_of_claim(facts.token)
    return None


def _token(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    if isinstance(facts.token, Reason):
        return {}, facts.token
    return {"pass_id": facts.token.pass_id, "key_id": facts.token.key_id}, None


def _standing(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    inputs: Inputs = {"link": facts.link, "policy": facts.policy if facts.link == "offline" else None}
    if facts.link == "offline" and facts.policy == "deny":
        return inputs, Reason.OFFLINE
    if pass_ is None:
        return inputs, Reason.UNKNOWN
    inputs |= {"revoked": pass_.revoked, "unpaid": pass_.unpaid}
    if pass_.revoked:
        return inputs, Reason.REVOKED
    return inputs, Reason.UNPAID if pass_.unpaid else None


def _window(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    if pass_ is None:
        return None
    inputs: Inputs = {"now": now, "from": pass_.valid_from, "until": pass_.valid_until}
    # Written so that a time that is no number refuses.
    if not now >= pass_.valid_from:
        return inputs, Reason.NOT_YET
    return inputs, None if now < pass_.valid_until else Reason.EXPIRED


def _place(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
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


def _watch_list(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    if pass_ is None:
        return None
    return {"blocked": pass_.blocked}, Reason.BLOCKED if pass_.blocked else None


def _mode(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    gate = facts.gate
    inputs: Inputs = {"mode": gate.mode, "enabled": gate.enabled}
    if not gate.enabled:
        return inputs, Reason.GATE_DISABLED
    return inputs, None if gate.mode in ("normal", "free") else Reason.LOCKDOWN


def _live_code(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    if pass_ is None or not pass_.live_code:
        return None
    return {"fresh": facts.code_fresh}, None if facts.code_fresh else Reason.STALE_CODE


def _reuse(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    """A single entry counts at the street only; walking on from zone to zone inside is one visit."""
    if pass_ is None:
        return None
    zone = facts.enters.ordinal if facts.enters is not None else None
    inputs: Inputs = {
        "entries": pass_.entries,
        "entered": pass_.entered,
        "held": pass_.held,
        "inside": pass_.inside_zone,
        "leaves": facts.leaves,
        "zone": zone,
        "passback": pass_.passback,
    }
    if zone is None:
        return inputs, None
    if pass_.entries == "single" and facts.leaves is None and (pass_.entered > 0 or pass_.held):
        return inputs, Reason.ALREADY_USED
    # From the street comes only who is outside, wherever inside the pass was seen last.
    within = pass_.inside_zone == zone or (facts.leaves is None and pass_.inside_zone is not None)
    if pass_.passback != "off" and (within or pass_.held):
        return inputs, Reason.PASSBACK
    return inputs, None


def _capacity(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    zone = facts.enters
    if zone is None or zone.capacity is None:
        return None
    inputs: Inputs = {"capacity": zone.capacity, "inside": zone.inside, "held": zone.held}
    return inputs, Reason.FULL if zone.inside + zone.held >= zone.capacity else None


def _escort(facts: Facts, pass_: PassFacts | None, now: float) -> Finding | None:
    if pass_ is None or not pass_.needs_escort:
        return None
    return {"escorted": facts.escorted}, None if facts.escorted else Reason.ESCORT_NEEDED


_RULES: tuple[tuple[str, Rule], ...] = (
    ("token", _token),
    ("standing", _standing),
    ("window", _window),
    ("place", _place),
    ("watch_list", _watch_list),
    ("mode", _mode),
    ("live_code", _live_code),
    ("reuse", _reuse),
    ("capacity", _capacity),
    ("escort", _escort),
)
