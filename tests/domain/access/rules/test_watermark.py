"""Up to where nothing is missing."""

from hypothesis import given
from hypothesis import strategies as st

from domain.access.rules.watermark import advance


def test_what_follows_without_a_hole_moves_the_mark() -> None:
    assert advance(3, [4, 5, 6]) == (6, [])


def test_a_hole_stops_it_and_is_named() -> None:
    assert advance(3, [5, 6, 9]) == (3, [(4, 4), (7, 8)])


def test_what_is_known_already_changes_nothing() -> None:
    assert advance(10, [1, 9, 10]) == (10, [])


@given(st.integers(0, 20), st.sets(st.integers(1, 60)))
def test_mark_and_holes_say_exactly_what_is_missing(watermark: int, seqs: set[int]) -> None:
    there = set(range(1, watermark + 1)) | seqs
    mark, gaps = advance(watermark, seqs)
    missing = {seq for low, high in gaps for seq in range(low, high + 1)}
    assert missing == set(range(1, max(there, default=0) + 1)) - there
    assert mark == min(missing, default=max(there, default=0) + 1) - 1
