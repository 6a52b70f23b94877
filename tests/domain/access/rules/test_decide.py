"""A gate opens for the right pass at the right time and place, and says why it stays shut."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.access.rules.credentials import Credential
from domain.access.rules.decide import decide
from domain.access.rules.facts import Facts, GateFacts, PassFacts, ZoneFacts, facts_of_claim
from domain.access.rules.live_code import CodeFacts
from domain.access.rules.reasons import Reason
from domain.access.rules.token import Flag, PassClaim
from tests.domain.access.rules.random_facts import RESTRICTIONS, anything, claims, easiest, likely, times

NOW = 5_000.0
CLAIM = PassClaim(key_id=1, pass_id=7, site_id=1, zones=0b01, not_before=0, minutes=1000)
PASS = PassFacts(pass_id=7, site_id=1, zones=0b01, valid_from=0, valid_until=10_000)
GATE = GateFacts(gate_id=1, site_id=1)
LOBBY = ZoneFacts(ordinal=0, capacity=10, inside=3)
ENTRY = Facts(token=CLAIM, known=PASS, gate=GATE, direction="in", enters=LOBBY)
EXIT = Facts(token=CLAIM, known=PASS, gate=GATE, direction="out", leaves=0)
STEPS = [
    "token", "standing", "window", "hours", "place", "watch_list", "mode", "first_person", "live_code", "reuse",
    "order", "capacity", "escort", "second_person",
]  # fmt: skip


def entry(pass_: dict[str, Any] | None = None, **changes: Any) -> Facts:
    """The good entry with something changed."""
    return replace(ENTRY, **({"known": replace(PASS, **pass_)} if pass_ else {}), **changes)


def test_a_good_pass_walks_in_and_every_rule_was_asked():
    verdict = decide(ENTRY, NOW)

    assert (verdict.admit, verdict.reason, verdict.waived) == (True, Reason.OK, ())
    assert [step.rule for step in verdict.trace] == STEPS


@pytest.mark.parametrize(
    ("facts", "reason", "rule"),
    [
        (entry(token=Reason.UNKNOWN), Reason.UNKNOWN, "token"),
        (entry(token=Reason.BAD_SIG), Reason.BAD_SIG, "token"),
        (entry(known=None), Reason.UNKNOWN, "standing"),
        (entry({"pass_id": 8}), Reason.UNKNOWN, "standing"),
        (entry({"revoked": True}), Reason.REVOKED, "standing"),
        (entry({"unpaid": True}), Reason.UNPAID, "standing"),
        (entry({"valid_from": NOW + 1}), Reason.NOT_YET, "window"),
        (entry({"valid_until": NOW}), Reason.EXPIRED, "window"),
        (entry({"site_id": 2}), Reason.WRONG_VENUE, "place"),
        (entry({"zones": 0b10}), Reason.WRONG_ZONE, "place"),
        (entry(enters=ZoneFacts(ordinal=-1)), Reason.WRONG_ZONE, "place"),
        (entry({"blocked": True}), Reason.BLOCKED, "watch_list"),
        (entry(gate=replace(GATE, enabled=False)), Reason.GATE_DISABLED, "mode"),
        (entry(gate=replace(GATE, mode="lockdown")), Reason.LOCKDOWN, "mode"),
        (entry(gate=replace(GATE, mode="locked")), Reason.LOCKDOWN, "mode"),
        (entry(gate=replace(GATE, mode="evacuate")), Reason.LOCKDOWN, "mode"),
        (entry({"live_code": True}), Reason.STALE_CODE, "live_code"),
        (entry({"entries": "single", "entered": 1}), Reason.ALREADY_USED, "reuse"),
        (entry({"entries": "single", "held": True}), Reason.ALREADY_USED, "reuse"),
        (entry({"inside_zone": 0, "entered": 1}), Reason.PASSBACK, "reuse"),
        (entry({"inside_zone": 3, "entered": 1}), Reason.PASSBACK, "reuse"),
        (entry({"held": True}), Reason.PASSBACK, "reuse"),
        (entry(enters=replace(LOBBY, inside=10)), Reason.FULL, "capacity"),
        (entry(enters=replace(LOBBY, inside=8, held=2)), Reason.FULL, "capacity"),
        (entry({"needs_escort": True}), Reason.ESCORT_NEEDED, "escort"),
    ],
)
def test_the_first_rule_that_refuses_names_the_reason(facts: Facts, reason: Reason, rule: str):
    verdict = decide(facts, NOW)

    assert (verdict.admit, verdict.reason) == (False, reason)
    assert [step.rule for step in verdict.trace] == STEPS[: STEPS.index(rule) + 1]
    assert (verdict.trace[-1].verdict, verdict.trace[-1].reason) == ("deny", reason)


@pytest.mark.parametrize(
    "facts",
    [
        entry({"entries": "single"}),
        entry({"entered": 4}),
        entry({"inside_zone": 0, "passback": "off"}),
        entry({"inside_zone": 3}, leaves=3),
        entry({"live_code": True}, code=CodeFacts(step=166, genuine=True)),
        entry({"needs_escort": True}, escorted=True),
        entry(enters=replace(LOBBY, inside=8, held=1)),
        entry(enters=replace(LOBBY, capacity=None, inside=1000)),
        entry(enters=None),
        entry({"zones": 1 << 31}, enters=ZoneFacts(ordinal=31)),
    ],
)
def test_limits_that_are_kept_do_not_refuse(facts: Facts):
    assert decide(facts, NOW).admit


def test_a_single_entry_walks_on_from_zone_to_zone_inside():
    inside = entry({"entries": "single", "entered": 1, "inside_zone": 0, "zones": 0b11})

    assert decide(replace(inside, leaves=0, enters=ZoneFacts(ordinal=1)), NOW).admit


def test_soft_passback_lets_in_and_notes_it():
    verdict = decide(entry({"inside_zone": 0, "passback": "soft"}), NOW)

    assert verdict.admit
    assert verdict.waived == (Reason.PASSBACK,)


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_until": 1.0},
        {"revoked": True},
        {"blocked": True},
        {"site_id": 2},
        {"entries": "single", "entered": 1, "inside_zone": 0},
        {"inside_zone": None},
        {"live_code": True},
        {"needs_escort": True},
    ],
)
@pytest.mark.parametrize("mode", ["normal", "locked", "lockdown", "evacuate"])
def test_nobody_with_a_pass_is_held_inside(changes: dict[str, Any], mode: Any):
    facts = replace(EXIT, known=replace(PASS, **changes), gate=replace(GATE, mode=mode))

    assert decide(facts, NOW).admit


def test_wrong_pins_of_others_hold_nobody_inside_and_open_for_no_stranger():
    mine = replace(EXIT, token=Credential(method="pin", pass_id=7), failures=9)

    assert decide(mine, NOW).waived == (Reason.TOO_MANY_TRIES,)
    assert decide(replace(mine, token=Reason.UNKNOWN, known=None), NOW).reason is Reason.TOO_MANY_TRIES


def test_leaving_to_a_full_zone_or_one_of_another_right_is_not_refused():
    facts = replace(EXIT, enters=ZoneFacts(ordinal=5, capacity=1, inside=1))

    verdict = decide(facts, NOW)

    assert verdict.admit
    assert verdict.waived == (Reason.WRONG_ZONE, Reason.FULL)


def test_what_an_exit_overlooked_is_told():
    verdict = decide(replace(EXIT, known=replace(PASS, revoked=True, valid_until=1.0)), NOW)

    assert verdict.waived == (Reason.REVOKED, Reason.EXPIRED)
    assert {step.waiver for step in verdict.trace if step.verdict == "waived"} == {"exit"}


@pytest.mark.parametrize(
    ("mode", "admit"), [("normal", False), ("lockdown", False), ("evacuate", True), ("free", True)]
)
def test_what_is_no_pass_leaves_only_through_an_open_gate(mode: Any, admit: bool):
    facts = replace(EXIT, token=Reason.UNKNOWN, known=None, gate=replace(GATE, mode=mode))

    assert decide(facts, NOW).admit is admit


def test_a_gate_that_stands_free_lets_everybody_in():
    facts = entry(token=Reason.BAD_SIG, known=None, gate=replace(GATE, mode="free"))

    assert decide(facts, NOW).admit


def offline(policy: Any, **changes: Any) -> Facts:
    return entry(link="offline", policy=policy, **changes)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (offline("deny"), Reason.OFFLINE),
        (offline("list_ok"), Reason.OK),
        (offline("list_ok", known=None), Reason.UNKNOWN),
        (offline("signed_ok", known=None), Reason.OK),
        (offline("signed_ok", known=None, token=Reason.BAD_SIG), Reason.BAD_SIG),
        (offline("signed_ok", known=None, token=replace(CLAIM, minutes=1)), Reason.EXPIRED),
        (
            offline("signed_ok", known=None, token=replace(CLAIM, flags=Flag.NEEDS_ESCORT)),
            Reason.ESCORT_NEEDED,
        ),
        (offline("signed_ok", known=replace(PASS, revoked=True)), Reason.REVOKED),
        (offline("open", known=None, token=Reason.UNKNOWN), Reason.OK),
        (offline("open", gate=replace(GATE, mode="lockdown")), Reason.LOCKDOWN),
        (offline("open", gate=replace(GATE, enabled=False)), Reason.GATE_DISABLED),
    ],
)
def test_an_offline_gate_does_what_its_zone_allows(facts: Facts, reason: Reason):
    assert decide(facts, NOW).reason is reason


def test_an_offline_gate_that_may_not_decide_still_lets_out():
    assert decide(replace(EXIT, link="offline", policy="deny", known=None), NOW).admit


@settings(max_examples=600)
@given(likely() | st.tuples(anything, times), st.sampled_from(sorted(RESTRICTIONS)))
def test_a_restriction_never_turns_a_refusal_into_an_admit(case: tuple[Facts, float], name: str):
    facts, now = case

    harder = decide(RESTRICTIONS[name](facts), now)

    assert decide(facts, now).admit or not harder.admit


@given(likely())
def test_likely_facts_are_admitted_once_nothing_speaks_against_them(case: tuple[Facts, float]):
    facts, now = case

    assert decide(easiest(facts), now).admit


@given(anything, times)
def test_any_facts_get_a_verdict_with_a_trace(facts: Facts, now: float):
    verdict = decide(facts, now)

    assert verdict.admit == (verdict.reason is Reason.OK)
    assert verdict.admit == all(step.verdict != "deny" for step in verdict.trace)
    assert len({step.rule for step in verdict.trace}) == len(verdict.trace)


@given(anything, times)
def test_a_gate_with_the_list_decides_as_the_server_does(facts: Facts, now: float):
    server = decide(replace(facts, link="online"), now)
    gate = decide(replace(facts, link="offline", policy="list_ok"), now)

    assert (gate.admit, gate.reason, gate.waived) == (server.admit, server.reason, server.waived)


@given(anything, times, claims)
def test_a_gate_that_trusts_signatures_decides_as_a_server_that_knows_no_more(
    facts: Facts, now: float, claim: PassClaim
):
    server = decide(replace(facts, token=claim, known=facts_of_claim(claim), link="online"), now)
    gate = decide(replace(facts, token=claim, known=None, link="offline", policy="signed_ok"), now)

    assert (gate.admit, gate.reason, gate.waived) == (server.admit, server.reason, server.waived)


@given(anything, times)
def test_a_time_that_is_no_number_never_lets_in(facts: Facts, now: float):
    shut = replace(facts, direction="in", gate=replace(facts.gate, mode="normal"), link="online")

    assert not decide(shut, float("nan")).admit
