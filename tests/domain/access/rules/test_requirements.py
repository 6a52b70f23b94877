"""Each requirement of a pass, by itself: what it looks at, what it refuses, and at which edge."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from domain.access.rules.credentials import Credential
from domain.access.rules.facts import Facts, GateFacts, PassFacts, ZoneFacts
from domain.access.rules.hours import Hours, WallClock
from domain.access.rules.live_code import CodeFacts
from domain.access.rules.reasons import Reason
from domain.access.rules.requirements import REQUIREMENTS, TRIES, Finding, passback_of

NOW = 5_000.0
CARD = Credential(method="nfc", pass_id=7)
PASS = PassFacts(pass_id=7, site_id=1, zones=0b01, valid_from=0, valid_until=10_000)
HALL = ZoneFacts(ordinal=0)
ENTRY = Facts(token=CARD, known=PASS, gate=GateFacts(gate_id=1, site_id=1), direction="in", enters=HALL)
MORNING = Hours(week=(((540, 720),), *((),) * 6), holidays=((600, 660),))
RULES = dict(REQUIREMENTS)


def ask(
    rule: str, pass_: dict[str, Any] | None = None, zone: dict[str, Any] | None = None, **changes: Any
) -> Finding | None:
    """Ask one requirement about the good entry with something changed."""
    known = replace(PASS, **pass_ or {})
    enters = changes.pop("enters", replace(HALL, **zone or {}))
    return RULES[rule](replace(ENTRY, known=known, enters=enters, **changes), known, NOW)


def reason(rule: str, *arguments: Any, **changes: Any) -> Reason | None:
    finding = ask(rule, *arguments, **changes)
    assert finding is not None, "there was something to look at"
    return finding[1]


def wall(weekday: int, minute: int, *, holiday: bool = False) -> WallClock:
    return WallClock(weekday=weekday, minute=minute, holiday=holiday)


@pytest.mark.parametrize(
    ("failures", "expected"),
    [(0, None), (TRIES - 1, None), (TRIES, Reason.TOO_MANY_TRIES), (99, Reason.TOO_MANY_TRIES)],
)
def test_too_many_wrong_pins_shut_out_even_a_right_one(failures: int, expected: Reason | None):
    assert reason("token", failures=failures) is expected


@pytest.mark.parametrize(
    ("clock", "theirs", "zones", "expected"),
    [
        (wall(0, 540), MORNING, None, None),
        (wall(0, 719), MORNING, None, None),
        (wall(0, 720), MORNING, None, Reason.OUT_OF_HOURS),
        (wall(1, 600), MORNING, None, Reason.OUT_OF_HOURS),
        (wall(1, 600, holiday=True), MORNING, None, None),
        (wall(0, 540, holiday=True), MORNING, None, Reason.OUT_OF_HOURS),
        (wall(0, 540), None, MORNING, None),
        (wall(1, 540), None, MORNING, Reason.OUT_OF_HOURS),
        (wall(0, 540), MORNING, Hours(week=((),) * 7), Reason.OUT_OF_HOURS),
        (None, MORNING, None, Reason.OUT_OF_HOURS),
    ],
)
def test_hours_of_the_pass_and_of_the_zone_must_both_be_open(
    clock: WallClock | None, theirs: Hours | None, zones: Hours | None, expected: Reason | None
):
    assert reason("hours", {"hours": theirs}, {"hours": zones}, clock=clock) is expected


def test_hours_say_what_would_have_been_open_that_day():
    finding = ask("hours", {"hours": MORNING}, clock=wall(1, 600))

    assert finding is not None
    assert (finding[0]["pass_open"], finding[0]["pass_hours"]) == (False, "")
    assert "zone_open" not in finding[0]


@pytest.mark.parametrize(
    ("opened", "opens", "expected"),
    [(False, False, Reason.NOT_OPEN), (True, False, None), (False, True, None), (True, True, None)],
)
def test_a_zone_waits_for_its_first_person(opened: bool, opens: bool, expected: Reason | None):
    zone = {"first_person": True, "opened": opened}

    assert reason("first_person", {"opens": opens}, zone) is expected
    assert ask("first_person", {"opens": opens}, {"opened": opened}) is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (None, Reason.STALE_CODE),
        (CodeFacts(step=166, genuine=True), None),
        (CodeFacts(step=165, genuine=True), None),
        (CodeFacts(step=167, genuine=True), None),
        (CodeFacts(step=164, genuine=True), Reason.STALE_CODE),
        (CodeFacts(step=168, genuine=True), Reason.STALE_CODE),
        (CodeFacts(step=166, genuine=False), Reason.STALE_CODE),
        (CodeFacts(step=166, genuine=True, used=True), Reason.STALE_CODE),
    ],
)
def test_a_live_pass_shows_a_fresh_code_of_its_own(code: CodeFacts | None, expected: Reason | None):
    assert reason("live_code", {"live_code": True}, code=code) is expected
    assert ask("live_code", code=code) is None


PASSBACK, USED = Reason.PASSBACK, Reason.ALREADY_USED


@pytest.mark.parametrize(
    ("rule", "pass_", "leaves", "expected"),
    [
        ("hard", {}, None, None),
        ("hard", {"inside_zone": 0}, None, PASSBACK),
        ("hard", {"inside_zone": 5}, None, PASSBACK),
        ("hard", {"inside_zone": 5}, 5, None),
        ("hard", {"inside_zone": 0}, 5, PASSBACK),
        ("hard", {"held": True}, None, PASSBACK),
        ("soft", {"inside_zone": 0}, None, PASSBACK),
        ("off", {"inside_zone": 0, "held": True}, None, None),
        ("timed", {"inside_zone": 0, "moved_at": NOW - 59.9}, None, PASSBACK),
        ("timed", {"inside_zone": 0, "moved_at": NOW - 60}, None, None),
        ("timed", {"inside_zone": 0, "moved_at": None}, None, None),
        ("timed", {"inside_zone": 0, "moved_at": NOW - 90, "held": True}, None, PASSBACK),
        ("timed", {"moved_at": NOW - 1}, None, None),
        ("off", {"entries": "single", "entered": 1}, None, USED),
        ("off", {"entries": "single", "held": True}, None, USED),
        ("hard", {"entries": "single", "entered": 1, "inside_zone": 5}, 5, None),
        ("hard", {"entries": "single"}, None, None),
    ],
)
def test_a_pass_is_used_as_the_zone_says(
    rule: str, pass_: dict[str, Any], leaves: int | None, expected: Reason | None
):
    zone = {"passback": rule, "passback_s": 60}

    assert reason("reuse", pass_, zone, leaves=leaves) is expected


@pytest.mark.parametrize(
    ("own", "zone", "holds"),
    [
        (None, "soft", "soft"),
        ("hard", "off", "hard"),
        ("off", "hard", "off"),
        (None, None, "off"),
        ("soft", None, "soft"),
    ],
)
def test_a_rule_of_the_pass_goes_before_that_of_the_zone(own: Any, zone: Any, holds: str):
    enters = None if zone is None else replace(HALL, passback=zone)

    assert passback_of(replace(PASS, passback=own), enters) == holds


@pytest.mark.parametrize(
    ("inside", "leaves", "expected"),
    [(1, 1, None), (0, 1, Reason.OUT_OF_ORDER), (None, 1, Reason.OUT_OF_ORDER)],
)
def test_into_a_zone_in_order_goes_who_was_in_the_one_before(
    inside: int | None, leaves: int, expected: Reason | None
):
    assert reason("order", {"inside_zone": inside}, {"in_order": True}, leaves=leaves) is expected
    assert ask("order", {"inside_zone": inside}, leaves=leaves) is None
    assert ask("order", {"inside_zone": inside}, {"in_order": True}, leaves=None) is None


@pytest.mark.parametrize(
    ("capacity", "inside", "held", "expected"),
    [
        (1, 0, 0, None),
        (1, 1, 0, Reason.FULL),
        (2, 1, 1, Reason.FULL),
        (3, 1, 1, None),
        (1, 5, 0, Reason.FULL),
    ],
)
def test_places_that_are_promised_count(capacity: int, inside: int, held: int, expected: Reason | None):
    assert reason("capacity", zone={"capacity": capacity, "inside": inside, "held": held}) is expected


@pytest.mark.parametrize(("escorted", "expected"), [(True, None), (False, Reason.ESCORT_NEEDED)])
def test_who_needs_an_escort_comes_with_one(escorted: bool, expected: Reason | None):
    assert reason("escort", {"needs_escort": True}, escorted=escorted) is expected
    assert ask("escort", escorted=escorted) is None


@pytest.mark.parametrize(
    ("inside", "held", "accompanied", "expected"),
    [(0, 0, False, Reason.SECOND_PERSON), (1, 0, False, None), (0, 1, False, None), (0, 0, True, None)],
)
def test_nobody_is_alone_where_two_must_be(
    inside: int, held: int, accompanied: bool, expected: Reason | None
):
    zone = {"two_person": True, "inside": inside, "held": held}

    assert reason("second_person", zone=zone, accompanied=accompanied) is expected
    assert ask("second_person", accompanied=accompanied) is None


@given(some.sampled_from(sorted(RULES)))
def test_into_the_street_no_zone_is_asked(rule: str):
    finding = ask(rule, {"hours": MORNING}, enters=None, clock=wall(0, 600))

    assert finding is None or finding[1] is None


@given(some.sampled_from(sorted(set(RULES) - {"token", "standing", "mode"})))
def test_without_a_pass_only_the_zone_is_asked(rule: str):
    finding = RULES[rule](replace(ENTRY, known=None), None, NOW)

    assert finding is None or finding[1] is None
