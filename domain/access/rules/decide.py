"""Whether a gate opens: the rules in their order, each leaving a step in the trace; the first that refuses decides.

1. `decide` answers any facts and never raises.
2. The same facts get the same verdict on the server and at an offline gate. Only `standing` and the waiver
   `open` look at the link.
3. Nobody is held inside: where the direction is out, a readable pass of ours opens whatever else speaks
   against it (ended, revoked, lockdown, never seen entering, wrong PINs of others). What would have refused is
   in the trace as waived, so that the guard hears of it. Only what is no pass of ours is refused, and not even
   that while the gate is `free` or in `evacuate`. The push bar beside the gate is hardware and asks nobody.
4. Where the zone's policy is `open`, an offline gate lets in whatever it is shown, except while it is
   locked or disabled.
"""

from domain.access.rules.credentials import Credential
from domain.access.rules.facts import Facts, PassFacts, facts_of_claim
from domain.access.rules.reasons import Reason
from domain.access.rules.requirements import REQUIREMENTS, Finding, passback_of
from domain.access.rules.verdict import Step, Verdict, Waiver

PASSAGE_WINDOW_S = 5.0
"""How long an admit keeps its place and its entry while the person walks through."""


def decide(facts: Facts, now: float) -> Verdict:
    """Returns the verdict on `facts` at `now` (Unix seconds)."""
    pass_ = _pass(facts)
    trace: list[Step] = []
    for name, requirement in REQUIREMENTS:
        step = _step(name, requirement(facts, pass_, now), facts, pass_)
        trace.append(step)
        if step.verdict == "deny":
            return Verdict(admit=False, reason=step.reason or Reason.INTERNAL, trace=tuple(trace))
    return Verdict(admit=True, reason=Reason.OK, trace=tuple(trace))


def _step(name: str, finding: Finding | None, facts: Facts, pass_: PassFacts | None) -> Step:
    if finding is None:
        return Step(rule=name, inputs={}, verdict="skipped")
    inputs, reason = finding
    if reason is None:
        return Step(rule=name, inputs=inputs, verdict="pass")
    waiver = _waiver(facts, pass_, name, reason)
    return Step(
        rule=name, inputs=inputs, verdict="waived" if waiver else "deny", reason=reason, waiver=waiver
    )


def _waiver(facts: Facts, pass_: PassFacts | None, rule: str, reason: Reason) -> Waiver | None:
    gate = facts.gate
    if facts.direction == "out" and (
        not isinstance(facts.token, Reason) or gate.mode in ("free", "evacuate")
    ):
        return "exit"
    if rule == "mode":
        return None
    if gate.mode == "free":
        return "free"
    if facts.link == "offline" and facts.policy == "open":
        return "open"
    if reason is Reason.PASSBACK and pass_ is not None and passback_of(pass_, facts.enters) == "soft":
        return "soft"
    return None


def _pass(facts: Facts) -> PassFacts | None:
    """What is believed of the pass: what the decider knows, else, where signatures are trusted, what it says itself."""
    if isinstance(facts.token, Reason):
        return None
    if facts.known is not None:
        return facts.known if facts.known.pass_id == facts.token.pass_id else None
    if facts.link == "offline" and facts.policy == "signed_ok" and not isinstance(facts.token, Credential):
        return facts_of_claim(facts.token)
    return None
