"""Where a pass is depends on the walks, not on the order in which they are told."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.access.rules.passage import OUTSIDE, Standing, Walk, after, moment, put, together

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HALL, OFFICE = 1, 2

zones = some.sampled_from([None, HALL, OFFICE])
moments = some.integers(0, 3).map(lambda minutes: NINE + timedelta(minutes=minutes))


@some.composite
def walks(draw: some.DrawFn, most: int = 5) -> list[Walk]:
    ways = draw(some.lists(some.tuples(zones, zones, moments), max_size=most))
    return [Walk(number, *way) for number, way in enumerate(ways, start=1)]


def all_of(told: list[Walk]) -> Standing:
    standing = OUTSIDE
    for walk in told:
        standing = after(standing, walk)
    return standing


def test_a_walk_in_is_an_entry_and_a_walk_on_is_not():
    came = after(OUTSIDE, Walk(7, None, HALL, NINE))
    assert came == Standing(HALL, 1, NINE, 7)

    went_on = after(came, Walk(8, HALL, OFFICE, NINE + timedelta(minutes=1)))
    assert (went_on.inside, went_on.entered) == (OFFICE, 1)


def test_a_late_report_of_an_older_walk_counts_as_an_entry_and_moves_nobody():
    left = after(OUTSIDE, Walk(8, HALL, None, NINE))

    told_late = after(left, Walk(9, None, HALL, NINE - timedelta(minutes=1)))

    assert (told_late.inside, told_late.entered, told_late.moved_by) == (None, 1, 8)


def test_of_two_walks_in_one_moment_the_later_event_says_where_the_pass_is():
    out, into = Walk(2, HALL, None, NINE), Walk(1, None, HALL, NINE)

    assert all_of([into, out]) == all_of([out, into]) == Standing(None, 1, NINE, 2)


@given(walks())
def test_the_order_in_which_walks_are_told_changes_nothing(told: list[Walk]):
    assert len({repr(all_of(list(order))) for order in permutations(told)}) == 1


@given(walks(), some.integers(0, 5))
def test_two_accounts_together_are_one_account_of_all(told: list[Walk], cut: int):
    before, since = all_of(told[:cut]), all_of(told[cut:])

    assert together(before, since) == together(since, before) == all_of(told)


def test_to_be_put_somewhere_is_no_entry_and_a_later_walk_goes_before_it():
    came = after(OUTSIDE, Walk(1, None, HALL, NINE))

    said = put(came, None, NINE + timedelta(minutes=1), 2)
    assert (said.inside, said.entered, said.moved_by) == (None, 1, 2)
    assert put(said, HALL, NINE, 3) == said


@pytest.mark.parametrize(
    ("off_s", "historical", "clock", "counts_off_s"),
    [
        (0, False, "ok", 0),
        (-30, False, "ok", -30),
        (-31, False, "ok", 0),
        (20, False, "ok", 0),
        (31_536_000, False, "ok", 0),
        (-31_536_000, False, "ok", 0),
        (-5, False, "unsure", 0),
        (-86_400, True, "ok", -86_400),
        (-86_400, True, "unsure", -86_400),
        (31_536_000, True, "ok", 0),
    ],
)
def test_a_moment_counts_where_it_can_be_true(off_s: int, historical: bool, clock: str, counts_off_s: int):
    at = NINE + timedelta(seconds=off_s)

    counted = moment(at, NINE, historical=historical, clock=clock)

    assert (counted - NINE).total_seconds() == counts_off_s


@given(some.datetimes(), some.datetimes(), some.booleans(), some.sampled_from(["ok", "unsure"]))
def test_nothing_happened_after_it_was_received(
    at: datetime, received_at: datetime, historical: bool, clock: str
):
    assert moment(at, received_at, historical=historical, clock=clock) <= received_at
