"""When something is open: spans of minutes per weekday and on holidays, read off a clock on the site's wall.

A span ends before its last minute begins (540 to 1080 is nine to six), midnight at the end of a day is 1440, and what
goes past midnight is two spans. Whoever decides looks at the wall once; the rules only compare, so that the hour that
a clock change skips or repeats is the same hour for the server and for a gate.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

MINUTES_OF_A_DAY = 1440
_Minute = Annotated[int, Meta(ge=0, le=MINUTES_OF_A_DAY)]
Span = tuple[_Minute, _Minute]
Spans = Annotated[tuple[Span, ...], Meta(max_length=24)]
Week = Annotated[tuple[Spans, ...], Meta(min_length=7, max_length=7)]


class Hours(Struct, frozen=True, kw_only=True, rename="camel"):
    """The spans of each weekday, Monday first, and those of a holiday, whichever weekday it falls on."""

    week: Week
    holidays: Spans = ()


class WallClock(Struct, frozen=True, kw_only=True):
    """What a clock and a calendar on the site's wall show."""

    weekday: Annotated[int, Meta(ge=0, le=6)]
    """0 is Monday."""
    minute: Annotated[int, Meta(ge=0, lt=MINUTES_OF_A_DAY)]
    holiday: bool = False


def wall_clock(now: float, zone: str, holidays: Collection[str] = ()) -> WallClock:
    """Returns what the wall shows at `now` (Unix seconds) in an IANA zone; holidays are local dates, `2026-05-09`."""
    local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(zone))
    today = local.date().isoformat()
    return WallClock(
        weekday=local.weekday(), minute=local.hour * 60 + local.minute, holiday=today in holidays
    )


def same_day(one: float, other: float, zone: str) -> bool:
    """Returns whether two moments (Unix seconds) are on one day of the site."""
    return _day(one, zone) == _day(other, zone)


def spans_of(hours: Hours, clock: WallClock) -> Spans:
    """Returns the spans of the day that the calendar shows."""
    return hours.holidays if clock.holiday else hours.week[clock.weekday]


def is_open(hours: Hours, clock: WallClock) -> bool:
    """Returns whether the clock shows a minute within the hours."""
    return any(start <= clock.minute < end for start, end in spans_of(hours, clock))


def written(spans: Spans) -> str:
    """Returns spans as people write them, `09:00-13:00, 14:00-18:00`; nothing for a day without any."""
    return ", ".join(f"{_time(start)}-{_time(end)}" for start, end in spans)


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def spans_problem(hours: Hours) -> tuple[str, str] | None:
    """Returns the place of a span that cannot be meant, and what is wrong with it; None = nothing."""
    days = [(f"week[{day}]", spans) for day, spans in enumerate(hours.week)]
    for place, spans in [*days, ("holidays", hours.holidays)]:
        before = 0
        for number, (start, end) in enumerate(spans):
            if end <= start:
                return f"{place}[{number}]", "must end after it begins; what goes past midnight is two spans"
            if start < before:
                return f"{place}[{number}]", "must begin after the one before it has ended"
            before = end
    return None


def _day(moment: float, zone: str) -> date:
    return datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(zone)).date()
