"""How a decision was reached, in words: what each rule looked at, what came of it, and what to do next.

The trace of a decision holds numbers; here they become sentences, with what only the site knows (its zone of time, the
names of its zones, which gates lead where) handed in. Any trace is explained, also one of an older version.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from domain.access.rules.reasons import Language, Reason, words
from domain.access.rules.sentences import TABLES, Sentences
from domain.access.rules.verdict import Step

_ZONES = range(32)


class Place(Struct, frozen=True, kw_only=True):
    """What is known of the site where it was decided."""

    time_zone: str
    zones: Mapping[int, str] = field(default_factory=dict)
    """Names by ordinal."""
    ways: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """The gates that lead into a zone, by its ordinal."""


class Line(Struct, frozen=True):
    """One rule in one sentence."""

    rule: str
    verdict: str
    text: str


class Explanation(Struct, frozen=True, kw_only=True):
    """A decision in words: what happened, why, what to do next, and every rule that was asked."""

    happened: str
    why: str
    next: str
    rules: tuple[Line, ...]


def explain(
    trace: Sequence[Step], admit: bool, reason: Reason, place: Place, language: Language = "en"
) -> Explanation:
    """Returns a decision in words; of an admit, why is what did not count against it."""
    said = TABLES[language]
    lines = tuple(_line(step, place, said) for step in trace)
    wanted = "waived" if admit else "deny"
    why = " ".join(line.text for line in lines if line.verdict == wanted)
    known = words(reason, language)
    decisive = next((step for step in trace if step.verdict == "deny"), None)
    return Explanation(
        happened=said.opened if admit else f"{said.shut} {known.text}",
        why=why or (said.all_met if admit else known.text),
        next=(_next(decisive, place, said) if decisive else None) or known.action,
        rules=lines,
    )


def _line(step: Step, place: Place, said: Sentences) -> Line:
    facts = _facts(step, place, said)
    if step.verdict == "skipped":
        text = said.skipped
    elif step.reason is None:
        text = _filled(said.kept.get(_variant(step)), facts) or said.met
    else:
        text = _filled(said.broken.get(_problem(step)), facts) or words(step.reason, said.language).text
    if step.waiver is not None:
        text = f"{text} {said.waivers[step.waiver]}"
    return Line(step.rule, step.verdict, text)


def _filled(sentence: str | None, facts: Mapping[str, str]) -> str | None:
    """Returns a sentence with what it names, or None where that is not known."""
    try:
        return None if sentence is None else sentence.format_map(facts)
    except KeyError:
        return None


def _variant(step: Step) -> str:
    """Which sentence of a rule that was kept: some have more than one."""
    inputs = step.inputs
    match step.rule:
        case "token":
            return f"token/{inputs.get('method', 'qr')}"
        case "watch_list" if inputs.get("watched"):
            return "watch_list/watched"
        case "first_person" if not inputs.get("opened"):
            return "first_person/opens"
        case "second_person" if not (inputs.get("inside") or inputs.get("held")):
            return "second_person/accompanied"
    return step.rule


def _problem(step: Step) -> str:
    """Which sentence of a reason: some depend on what was found."""
    inputs = step.inputs
    match step.reason:
        case Reason.STALE_CODE if not inputs.get("shown"):
            return "stale_code/missing"
        case Reason.STALE_CODE if not inputs.get("genuine"):
            return "stale_code/foreign"
        case Reason.STALE_CODE if inputs.get("used"):
            return "stale_code/used"
        case Reason.PASSBACK if inputs.get("held"):
            return "passback/held"
        case Reason.PASSBACK if _number(inputs.get("since")) is not None:
            return "passback/timed"
        case Reason.ALREADY_USED if not inputs.get("entered"):
            return "passback/held"
        case Reason.OUT_OF_HOURS if inputs.get("weekday") is None:
            return "out_of_hours/no_clock"
        case None:
            return ""
    return step.reason.value


def _next(step: Step, place: Place, said: Sentences) -> str | None:
    """Returns what to do next where the inputs make it concrete; None = what the reason says in general."""
    facts = _facts(step, place, said)
    sentence: str | None = None
    match step.reason:
        case Reason.NOT_YET:
            sentence = said.come_back
        case Reason.WRONG_ZONE if facts["gates"]:
            sentence = said.go_to
        case Reason.OUT_OF_HOURS if facts["hours"]:
            sentence = said.come_within
        case Reason.OUT_OF_HOURS if step.inputs.get("weekday") is not None:
            sentence = said.another_day
        case Reason.PASSBACK if facts["minutes"]:
            sentence = said.wait_minutes
    return _filled(sentence, facts)


def _facts(step: Step, place: Place, said: Sentences) -> dict[str, str]:
    """Returns what sentences may name; what nobody knows is not there."""
    inputs = step.inputs
    facts = {name: str(value) for name, value in inputs.items() if value is not None and name != "now"}
    now, begin, end = (_moment(inputs.get(name), place) for name in ("now", "from", "until"))
    if begin is not None and end is not None:
        facts["window"] = said.window(begin, end, now)
    if begin is not None:
        facts["begin"] = said.at(begin, now)
    if now is not None:
        facts["now"] = said.now(now, {moment.date() for moment in (begin, end) if moment is not None})
    for name in ("zone", "inside", "leaves"):
        if step.rule in ("place", "reuse", "order"):
            facts[name] = _zone(inputs.get(name), place, said)
    facts["own"] = said.listed([_zone(ordinal, place, said) for ordinal in _bits(inputs.get("pass_zones"))])
    gates = [gate for ordinal in _bits(inputs.get("pass_zones")) for gate in place.ways.get(ordinal, ())]
    facts["gates"] = said.listed(list(dict.fromkeys(gates)))
    return _with_hours(facts, inputs, said)


def _with_hours(facts: dict[str, str], inputs: Mapping[str, Any], said: Sentences) -> dict[str, str]:
    closed = [whose for whose in ("pass", "zone") if inputs.get(f"{whose}_open") is False]
    open_ = [whose for whose in ("pass", "zone") if inputs.get(f"{whose}_open")]
    shown = [str(inputs.get(f"{whose}_hours") or "") for whose in closed or open_]
    facts["hours"] = "; ".join(text for text in shown if text)
    facts["hours_or_none"] = facts["hours"] or said.closed_all_day
    weekday, minute = _number(inputs.get("weekday")), _number(inputs.get("minute"))
    if weekday is not None and minute is not None:
        day = said.holiday if inputs.get("holiday") else said.weekdays[int(weekday) % 7]
        facts["clock"] = f"{day}, {int(minute) // 60:02}:{int(minute) % 60:02}"
    since, age = _number(inputs.get("since")), _number(inputs.get("age"))
    left = None if since is None else (_number(inputs.get("for")) or 0) - since
    facts["minutes"] = "" if left is None or left <= 0 else said.minutes(math.ceil(left / 60))
    if since is not None:
        facts["ago"] = said.minutes(max(0, int(since // 60)))
    facts.pop("age", None)
    if age is not None:
        facts["age"] = str(round(age))
    return facts


def _zone(ordinal: object, place: Place, said: Sentences) -> str:
    if not isinstance(ordinal, int):
        return said.street
    return place.zones.get(ordinal) or said.some_zone.format(ordinal)


def _bits(zones: object) -> list[int]:
    return [bit for bit in _ZONES if isinstance(zones, int) and zones >> bit & 1]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _moment(value: object, place: Place) -> datetime | None:
    number = _number(value)
    if number is None:
        return None
    try:
        return datetime.fromtimestamp(number, UTC).astimezone(ZoneInfo(place.time_zone))
    except (OverflowError, ValueError, OSError):
        return None  # no year that a calendar has
