"""Random facts for decisions: any at all, likely ones, and what makes them harder to meet."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from domain.access.rules.credentials import Credential
from domain.access.rules.facts import Facts, GateFacts, PassFacts, ZoneFacts
from domain.access.rules.hours import Hours, WallClock
from domain.access.rules.live_code import CodeFacts
from domain.access.rules.reasons import Reason
from domain.access.rules.token import PassClaim

NEVER = Hours(week=((),) * 7)
CLAIM = PassClaim(key_id=1, pass_id=1, site_id=1, zones=0b11, not_before=0, minutes=1000)
PLAIN_PASS: dict[str, Any] = {
    **dict.fromkeys(("revoked", "blocked", "unpaid", "needs_escort", "live_code", "held"), False),
    **{"hours": None, "passback": None, "entries": "many"},
}
PLAIN_ZONE: dict[str, Any] = {
    **dict.fromkeys(("in_order", "first_person", "two_person"), False),
    **{"hours": None, "passback": "off", "capacity": None},
}
GATE = GateFacts(gate_id=1, site_id=1)

ordinals = st.integers(-2, 40)
times = st.floats(allow_nan=True, allow_infinity=True)
bits = st.booleans()
minutes = st.integers(0, 1440)
spans = st.lists(st.tuples(minutes, minutes), max_size=2).map(tuple)
hours = st.builds(
    Hours, week=st.lists(spans, min_size=7, max_size=7).map(tuple), holidays=spans
) | st.sampled_from([Hours(week=(((0, 1440),),) * 7, holidays=((0, 1440),))])
claims = st.builds(
    PassClaim,
    key_id=st.integers(0, 3),
    pass_id=st.integers(0, 3),
    site_id=st.integers(0, 2),
    zones=st.integers(0, 2**32 - 1),
    not_before=st.integers(0, 2**32 - 1),
    minutes=st.integers(0, 2**24 - 1),
    flags=st.integers(0, 255),
)
tokens = (
    claims
    | st.builds(Credential, method=st.sampled_from(["nfc", "pin", "plate"]), pass_id=st.integers(0, 3))
    | st.sampled_from([Reason.UNKNOWN, Reason.BAD_SIG])
)
passes = st.builds(
    PassFacts,
    pass_id=st.integers(0, 3),
    site_id=st.integers(0, 2),
    zones=st.integers(-1, 2**32),
    valid_from=times,
    valid_until=times,
    hours=st.none() | hours,
    passback=st.sampled_from([None, "hard", "soft", "timed", "off"]),
    inside_zone=st.none() | ordinals,
    moved_at=st.none() | times,
    entered=st.integers(-1, 3),
)
zones = st.builds(
    ZoneFacts,
    ordinal=ordinals,
    capacity=st.none() | st.integers(-1, 5),
    inside=st.integers(-1, 6),
    held=st.integers(0, 2),
    hours=st.none() | hours,
    passback=st.sampled_from(["hard", "soft", "timed", "off"]),
    passback_s=times,
)
anything = st.builds(
    Facts,
    token=tokens,
    known=st.none() | passes,
    gate=st.builds(GateFacts, gate_id=st.just(1), site_id=st.integers(0, 2)),
    leaves=st.none() | ordinals,
    enters=st.none() | zones,
    clock=st.none()
    | st.builds(WallClock, weekday=st.integers(0, 6), minute=st.integers(0, 1439), holiday=bits),
    code=st.none() | st.builds(CodeFacts, step=st.integers(0, 2**32 - 1)),
    failures=st.integers(0, 9),
)


@st.composite
def likely(draw: st.DrawFn) -> tuple[Facts, float]:
    """Facts that a good part of would be admitted: a pass of this site, for this zone, at a time of its own."""
    now = draw(st.integers(0, 2**31).map(float))
    pass_ = replace(
        draw(passes),
        pass_id=1,
        site_id=1,
        zones=0b11,
        valid_from=now - 60,
        valid_until=now + 60,
        moved_at=now - 30,
    )
    enters = replace(draw(zones), ordinal=draw(st.integers(0, 1)))
    facts = replace(
        draw(anything),
        token=draw(st.sampled_from([Credential(method="nfc", pass_id=1), CLAIM])),
        known=pass_,
        gate=draw(st.builds(GateFacts, gate_id=st.just(1), site_id=st.just(1))),
        enters=enters,
        code=CodeFacts(step=int(now) // 30, genuine=True),
    )
    return facts, now


def easiest(facts: Facts) -> Facts:
    """The same with nothing that speaks against it."""
    freed = of_pass(of_zone(facts, **PLAIN_ZONE), **PLAIN_PASS)
    return replace(freed, failures=0, escorted=True, gate=GATE, policy="list_ok")


def of_pass(facts: Facts, **changes: Any) -> Facts:
    return facts if facts.known is None else replace(facts, known=replace(facts.known, **changes))


def of_zone(facts: Facts, **changes: Any) -> Facts:
    return facts if facts.enters is None else replace(facts, enters=replace(facts.enters, **changes))


def crowded(facts: Facts) -> Facts:
    """More in the zone than it holds; where two must be, somebody more is company and no restriction."""
    zone = facts.enters
    return facts if zone is None or zone.two_person else of_zone(facts, inside=zone.inside + 9)


RESTRICTIONS: dict[str, Callable[[Facts], Facts]] = {
    "revoked": lambda facts: of_pass(facts, revoked=True),
    "unpaid": lambda facts: of_pass(facts, unpaid=True),
    "blocked": lambda facts: of_pass(facts, blocked=True),
    "needs an escort": lambda facts: of_pass(facts, needs_escort=True),
    "shows a code": lambda facts: of_pass(facts, live_code=True),
    "single": lambda facts: of_pass(facts, entries="single"),
    "entered": lambda facts: of_pass(facts, entered=facts.known.entered + 1 if facts.known else 0),
    "held": lambda facts: of_pass(facts, held=True),
    "opens nothing": lambda facts: of_pass(facts, opens=False),
    "never open": lambda facts: of_pass(facts, hours=NEVER),
    "no zones": lambda facts: of_pass(facts, zones=0),
    "ended": lambda facts: of_pass(facts, valid_until=0),
    "of another site": lambda facts: of_pass(facts, site_id=9),
    "zone never open": lambda facts: of_zone(facts, hours=NEVER),
    "zone full": lambda facts: of_zone(facts, capacity=0),
    "more inside": crowded,
    "in order": lambda facts: of_zone(facts, in_order=True),
    "first person": lambda facts: of_zone(facts, first_person=True),
    "not opened": lambda facts: of_zone(facts, opened=False),
    "two persons": lambda facts: of_zone(facts, two_person=True),
    "alone": lambda facts: replace(facts, accompanied=False),
    "without escort": lambda facts: replace(facts, escorted=False),
    "without code": lambda facts: replace(facts, code=None),
    "without clock": lambda facts: replace(facts, clock=None),
    "wrong PINs": lambda facts: replace(facts, failures=facts.failures + 9),
    "not known": lambda facts: replace(facts, known=None) if facts.policy != "signed_ok" else facts,
    "locked": lambda facts: replace(facts, gate=replace(facts.gate, mode="lockdown")),
    "disabled": lambda facts: replace(facts, gate=replace(facts.gate, enabled=False)),
    "deny": lambda facts: replace(facts, policy="deny"),
}
