"""When a pass may begin and end, and where a guest stands."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.access.rules.windows import LONGEST, GuestState, guest_state, window_problem

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (NOW, NOW + HOUR, None),
        (NOW - HOUR, NOW + HOUR, None),
        (NOW + HOUR, NOW + HOUR, "must be after start"),
        (NOW - 2 * HOUR, NOW - HOUR, "is in the past"),
        (NOW, NOW + LONGEST, None),
        (NOW, NOW + LONGEST + HOUR, "a pass lasts at most 31 days"),
    ],
)
def test_a_window_is_refused_with_its_reason(start: datetime, end: datetime, said: str | None) -> None:
    assert window_problem(start, end, NOW) == (said and ("end", said))


@pytest.mark.parametrize(
    ("revoked", "inside", "arrived", "until", "state"),
    [
        (False, False, False, NOW + HOUR, "expected"),
        (False, True, True, NOW + HOUR, "inside"),
        (True, True, True, NOW - HOUR, "inside"),
        (True, False, False, NOW + HOUR, "revoked"),
        (False, False, True, NOW + HOUR, "left"),
        (False, False, False, NOW, "expired"),
    ],
)
def test_somebody_inside_is_inside_whatever_became_of_the_pass(
    revoked: bool, inside: bool, arrived: bool, until: datetime, state: GuestState
) -> None:
    assert guest_state(revoked=revoked, inside=inside, arrived=arrived, until=until, now=NOW) == state
