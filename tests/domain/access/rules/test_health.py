"""What is an alarm, what is none, and what lies between."""

import pytest

from domain.access.rules.health import battery_low, clock_off


@pytest.mark.parametrize(
    ("offset_ms", "off"),
    [(None, None), (0, False), (-2000, False), (2001, None), (-5000, None), (5001, True), (-5001, True)],
)
def test_a_clock_is_off_beyond_five_seconds_and_well_within_two(offset_ms: int | None, off: bool | None):
    assert clock_off(offset_ms) is off


@pytest.mark.parametrize(
    ("percent", "low"), [(None, None), (0, True), (14, True), (15, None), (19, None), (20, False)]
)
def test_a_battery_is_low_under_fifteen_and_well_from_twenty(percent: int | None, low: bool | None):
    assert battery_low(percent) is low
