"""Local times are read at the place, whatever its clocks do."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.times import at_site, day_bounds

ZONES = ["UTC", "Europe/Moscow", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo"]


def test_a_time_with_an_offset_is_what_it_says():
    moment = datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=5)))

    assert at_site(moment, "Europe/Moscow") == datetime(2026, 6, 1, 7, tzinfo=UTC)


def test_a_time_without_one_is_read_at_the_site():
    assert at_site(datetime(2026, 6, 1, 12), "Europe/Moscow") == datetime(2026, 6, 1, 9, tzinfo=UTC)


def test_a_skipped_and_a_repeated_hour_have_one_meaning():
    skipped = at_site(datetime(2026, 3, 8, 2, 30), "America/New_York")
    repeated = at_site(datetime(2026, 11, 1, 1, 30), "America/New_York")

    assert skipped == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert repeated == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "zone", "hours"),
    [
        (datetime(2026, 3, 8, 12, tzinfo=UTC), "America/New_York", 23),
        (datetime(2026, 11, 1, 12, tzinfo=UTC), "America/New_York", 25),
        (datetime(2018, 11, 4, 12, tzinfo=UTC), "America/Sao_Paulo", 23),  # midnight itself was skipped
        (datetime(2026, 6, 1, 23, tzinfo=UTC), "Europe/Moscow", 24),
    ],
)
def test_days_are_as_long_as_they_are(moment: datetime, zone: str, hours: int):
    start, end = day_bounds(moment, zone)

    assert start <= moment < end
    assert end - start == timedelta(hours=hours)


@given(
    st.datetimes(datetime(1975, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)), st.sampled_from(ZONES)
)
def test_each_moment_lies_in_one_day_and_days_touch(moment: datetime, zone: str):
    start, end = day_bounds(moment, zone)

    assert start <= moment < end
    assert day_bounds(end, zone)[0] == end
