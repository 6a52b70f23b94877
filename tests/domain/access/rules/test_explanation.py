"""A trace is told in sentences with times of the site and names of its zones, whatever stands in it.

Proves: domain/access/rules/explanation.py, domain/access/rules/sentences.py
"""

import json
import re
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from domain.access.rules.decide import decide
from domain.access.rules.explanation import Explanation, Place, explain
from domain.access.rules.facts import Facts
from domain.access.rules.reasons import Language, Reason
from domain.access.rules.requirements import REQUIREMENTS
from domain.access.rules.sentences import TABLES
from domain.access.rules.verdict import Step, Waiver
from tests.domain.access.rules.random_facts import anything, likely, times

LOFT = Place(
    time_zone="Europe/Moscow",
    zones={0: "Hall", 1: "Office", 2: "Store"},
    ways={0: ["Main A", "Main B"], 1: ["Door"], 2: ["Main A"]},
)
NOON = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()
HOUR = 3600


def refused(rule: str, reason: Reason, /, *, language: Language = "en", **inputs: Any) -> Explanation:
    trace = [Step(rule=rule, inputs=inputs, verdict="deny", reason=reason)]
    return explain(trace, False, reason, LOFT, language)


@pytest.mark.parametrize(
    ("begins", "ends", "why", "next_"),
    [
        (1, 3, "from 13:00 to 15:00 on 2 March; it was 12:00.", "13:00 on 2 March."),
        (24, 48, "from 12:00 on 3 March to 12:00 on 4 March; it was 12:00 on 2 March.", "12:00 on 3 March."),
        (
            8760,
            8761,
            "from 12:00 to 13:00 on 2 March 2027; it was 12:00 on 2 March.",
            "12:00 on 2 March 2027.",
        ),
    ],
)
def test_too_early_is_told_with_when_to_come_back(begins: int, ends: int, why: str, next_: str):
    times_: dict[str, Any] = {"from": NOON + begins * HOUR, "until": NOON + ends * HOUR, "now": NOON}

    told = refused("window", Reason.NOT_YET, **times_)

    assert (told.why, told.next) == (f"Valid {why}", f"Come back at {next_}")


def test_too_late_is_told_by_the_clock_of_the_site():
    times_: dict[str, Any] = {"from": NOON - 2 * HOUR, "until": NOON, "now": NOON + 300}

    told = refused("window", Reason.EXPIRED, **times_)

    assert told.why == "Valid from 10:00 to 12:00 on 2 March; it was 12:05."
    assert told.next == "Ask your host for a new pass."


def test_the_wrong_zone_is_told_with_the_gates_that_lead_on():
    told = refused("place", Reason.WRONG_ZONE, zone=1, pass_zones=0b101, site=1, pass_site=1)

    assert told.why == "The gate leads into Office; the pass opens Hall or Store."
    assert told.next == "Go to Main A or Main B."


def test_where_no_gate_is_known_the_words_of_the_reason_stay():
    told = explain(
        [Step(rule="place", inputs={"zone": 1, "pass_zones": 1}, verdict="deny", reason=Reason.WRONG_ZONE)],
        False,
        Reason.WRONG_ZONE,
        Place(time_zone="UTC"),
    )

    assert told.why == "The gate leads into area 1; the pass opens area 0."
    assert told.next == "Go to the entrance named on your pass."


@pytest.mark.parametrize(
    ("hours", "why", "next_"),
    [
        (
            "09:00-13:00, 14:00-18:00",
            "On that day open: 09:00-13:00, 14:00-18:00; it was Monday, 19:05.",
            "Come back during its hours; on that day 09:00-13:00, 14:00-18:00.",
        ),
        (
            "",
            "On that day open: not at all; it was Monday, 19:05.",
            "Come back on another day; it does not open on that one.",
        ),
    ],
)
def test_out_of_hours_is_told_with_those_of_the_day(hours: str, why: str, next_: str):
    inputs: dict[str, Any] = {
        "weekday": 0,
        "minute": 1145,
        "holiday": False,
        "pass_open": False,
        "pass_hours": hours,
    }

    told = refused("hours", Reason.OUT_OF_HOURS, **inputs)

    assert (told.why, told.next) == (why, next_)


@pytest.mark.parametrize(
    ("since", "ago", "left"), [(61, "1 minute", "9 minutes"), (599, "9 minutes", "1 minute")]
)
def test_timed_passback_is_told_in_minutes(since: int, ago: str, left: str):
    inputs: dict[str, Any] = {"inside": 0, "zone": 0, "since": since, "for": 600}

    told = refused("reuse", Reason.PASSBACK, **inputs)

    assert told.why == f"It walked in {ago} ago and may do so again in {left}."
    assert told.next == f"Try again in {left}, or ask at the desk."


def test_full_is_told_with_how_many_are_inside():
    told = refused("capacity", Reason.FULL, capacity=10, inside=9, held=1)

    assert told.why == "9 of 10 are inside and 1 on the way in."
    assert told.happened == "The gate stayed shut. This area is full."


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "минуту"), (2, "минуты"), (5, "минут"), (11, "минут"), (21, "минуту"), (22, "минуты")],
)
def test_russian_counts_minutes_as_russians_do(count: int, said: str):
    inputs: dict[str, Any] = {"inside": 0, "since": 0, "for": 60 * count}

    told = refused("reuse", Reason.PASSBACK, language="ru", **inputs)

    assert told.next == f"Попробуйте через {count} {said} или обратитесь на стойку."


def test_russian_names_days_and_weekdays():
    late = refused(
        "window",
        Reason.NOT_YET,
        language="ru",
        **{"from": NOON + HOUR, "until": NOON + 2 * HOUR, "now": NOON},
    )
    closed = refused(
        "hours", Reason.OUT_OF_HOURS, language="ru", weekday=6, minute=61, holiday=True, zone_open=False
    )

    assert late.why == "Действует с 13:00 до 14:00 2 марта; было 12:00."
    assert closed.why == "В тот день открыто: не открыто; было: праздник, 01:01."


def test_what_did_not_count_is_why_somebody_was_let_through():
    trace = [
        Step(rule="standing", inputs={}, verdict="waived", reason=Reason.REVOKED, waiver="exit"),
        Step(rule="hours", inputs={}, verdict="skipped"),
    ]

    told = explain(trace, True, Reason.OK, LOFT)

    assert told.happened == "The gate opened."
    assert told.why == "This pass was withdrawn. It did not count, since nobody is held inside."
    assert [line.text for line in told.rules][1] == "There was nothing to look at."


@pytest.mark.parametrize("language", get_args(Language))
def test_every_language_says_everything(language: Language):
    said = TABLES[language]

    assert set(said.kept) == set(TABLES["en"].kept) >= {name for name, _ in REQUIREMENTS if name != "token"}
    assert set(said.broken) == set(TABLES["en"].broken)
    assert set(said.waivers) == set(get_args(Waiver))
    for table in (said.kept, said.broken):
        for name, sentence in table.items():
            assert set(braces(sentence)) == set(braces(_english(name)))
    assert (len(said.weekdays), len(said.months)) == (7, 12)


def braces(sentence: str) -> list[str]:
    return re.findall(r"{(\w*)}", sentence)


def _english(name: str) -> str:
    return TABLES["en"].kept.get(name) or TABLES["en"].broken[name]


@settings(max_examples=300)
@given(likely() | some.tuples(anything, times), some.sampled_from(get_args(Language)))
def test_every_decision_is_told_whole(case: tuple[Facts, float], language: Language):
    verdict = decide(*case)
    stored = json.loads(msgspec.json.encode(verdict.trace))

    told = explain(msgspec.convert(stored, tuple[Step, ...]), verdict.admit, verdict.reason, LOFT, language)

    assert len(told.rules) == len(verdict.trace)
    for text in (told.happened, told.why, told.next, *(line.text for line in told.rules)):
        assert text and "{" not in text and "None" not in text


inputs = some.dictionaries(
    some.sampled_from(["now", "from", "until", "since", "for", "weekday", "minute", "zone", "pass_zones"]),
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=3),
)
steps = some.builds(
    Step,
    rule=some.sampled_from([*(name for name, _ in REQUIREMENTS), "of a later version"]),
    inputs=inputs,
    verdict=some.sampled_from(["pass", "deny", "waived", "skipped"]),
    reason=some.none() | some.sampled_from(Reason),
)


@given(some.lists(steps, max_size=4))
def test_any_trace_at_all_is_explained(trace: list[Step]):
    told = explain(trace, False, Reason.INTERNAL, LOFT)

    assert told.happened and all(line.text for line in told.rules)
