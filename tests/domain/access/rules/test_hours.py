"""Hours are what the wall of the site shows, also on the days when its clock is put on or back."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.access.rules.hours import Hours, WallClock, is_open, same_day, spans_problem, wall_clock, written

BERLIN = "Europe/Berlin"
NIGHT = Hours(week=(((0, 150), (180, 1440)),) * 7)
"""Always, but for the half hour between half past two and three."""


def at(text: str, zone: str = BERLIN, *holidays: str) -> WallClock:
    return wall_clock(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp(), zone, holidays)


@pytest.mark.parametrize(
    ("utc", "minute"),
    [("2026-03-29T00:59:59", 119), ("2026-03-29T01:00:00", 180), ("2026-03-29T01:30:00", 210)],
)
def test_the_hour_that_is_skipped_in_spring_never_comes(utc: str, minute: int):
    assert at(utc) == WallClock(weekday=6, minute=minute)
    assert is_open(NIGHT, at(utc))


@pytest.mark.parametrize(
    ("utc", "is_open_then"),
    [
        ("2026-10-25T00:29:00", True),
        ("2026-10-25T00:30:00", False),
        ("2026-10-25T01:00:00", True),
        ("2026-10-25T01:29:59", True),
        ("2026-10-25T01:30:00", False),
        ("2026-10-25T02:00:00", True),
    ],
)
def test_the_hour_that_comes_twice_in_autumn_is_the_same_hour_twice(utc: str, is_open_then: bool):
    assert is_open(NIGHT, at(utc)) is is_open_then


@pytest.mark.parametrize("day", [datetime(2026, 3, 29), datetime(2026, 10, 25), datetime(2026, 6, 1)])
def test_a_day_of_any_length_is_one_day_from_midnight_to_midnight(day: datetime):
    zone = ZoneInfo(BERLIN)
    begin, end = (day.replace(tzinfo=zone) + timedelta(days=days) for days in (0, 1))
    first, last, after = begin.timestamp(), end.timestamp() - 1, end.timestamp()

    assert same_day(first, last, BERLIN) and not same_day(first, after, BERLIN)
    assert wall_clock(first, BERLIN).minute == 0
    assert wall_clock(last, BERLIN) == WallClock(weekday=day.weekday(), minute=1439)


def test_a_span_to_midnight_and_one_from_it_leave_no_gap():
    late = Hours(week=(((1320, 1440),), ((0, 120),), *((),) * 5))
    shown = [at(text, "UTC") for text in ("2026-03-02T21:59:59", "2026-03-02T22:00", "2026-03-02T23:59:59")]
    next_day = [at(text, "UTC") for text in ("2026-03-03T00:00", "2026-03-03T01:59:59", "2026-03-03T02:00")]

    assert [is_open(late, clock) for clock in (*shown, *next_day)] == [False, True, True, True, True, False]


def test_a_holiday_follows_its_own_hours_whatever_weekday_it_is():
    hours = Hours(week=(((0, 1440),),) * 7, holidays=((600, 660),))
    holiday = "2026-05-09"

    assert at("2026-05-08T22:00", BERLIN, holiday).holiday, "it begins at the midnight of the site"
    assert not at("2026-05-09T22:00", BERLIN, holiday).holiday
    assert is_open(hours, at("2026-05-09T08:00", BERLIN, holiday))
    assert not is_open(hours, at("2026-05-09T09:00", BERLIN, holiday))
    assert is_open(hours, at("2026-05-09T09:00", BERLIN, "2026-05-10"))


minutes = some.integers(0, 1440)
days = some.lists(some.tuples(minutes, minutes), max_size=3).map(tuple)
weeks = some.lists(days, min_size=7, max_size=7).map(tuple)


@given(
    weeks,
    days,
    some.builds(
        WallClock, weekday=some.integers(0, 6), minute=some.integers(0, 1439), holiday=some.booleans()
    ),
)
def test_hours_without_a_problem_are_open_exactly_within_their_spans(
    week: Any, holidays: Any, clock: WallClock
):
    hours = Hours(week=week, holidays=holidays)
    today = holidays if clock.holiday else week[clock.weekday]

    assert is_open(hours, clock) == any(clock.minute in range(*span) for span in today)
    if spans_problem(hours) is None:
        assert sum(end - start for start, end in today) <= 1440
        assert list(today) == sorted(today)


@pytest.mark.parametrize(
    ("hours", "place"),
    [
        (Hours(week=((),) * 7), None),
        (Hours(week=(((0, 60), (60, 120)),) * 7), None),
        (Hours(week=((), ((60, 60),), *((),) * 5)), "week[1][0]"),
        (Hours(week=(((0, 60), (59, 120)), *((),) * 6)), "week[0][1]"),
        (Hours(week=((),) * 7, holidays=((120, 60),)), "holidays[0]"),
    ],
)
def test_what_cannot_be_meant_is_found_and_placed(hours: Hours, place: str | None):
    problem = spans_problem(hours)

    assert (problem and problem[0]) == place


def test_hours_are_written_as_people_write_them():
    assert written(((540, 1080), (1200, 1440))) == "09:00-18:00, 20:00-24:00"
    assert written(()) == ""


def test_an_hour_of_no_pass_is_an_hour_of_the_zone_of_the_site_not_of_the_server():
    moment = datetime(2026, 3, 2, 21, 30, tzinfo=UTC).timestamp()

    assert wall_clock(moment, "Europe/Moscow") == WallClock(weekday=1, minute=30)
    assert wall_clock(moment, "America/New_York") == WallClock(weekday=0, minute=990)
