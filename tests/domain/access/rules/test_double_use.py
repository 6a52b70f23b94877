"""Two entries without a way out are found by the order of moments, whatever was told first."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.access.rules.double_use import Seen, doubles, told_by

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def seen(number: int, minute: int, gate_id: int = 1, *, comes_in: bool = True, **more: Any) -> Seen:
    more = {"offline": True} | more
    at = NINE + timedelta(minutes=minute)
    return Seen(number=number, gate_id=gate_id, at=at, comes_in=comes_in, **more)


def numbers(walks: Any) -> list[tuple[int, int]]:
    return [(one.number, other.number) for one, other in doubles(walks)]


@pytest.mark.parametrize(
    ("walks", "pairs"),
    [
        ([seen(1, 0), seen(2, 5, 2)], [(1, 2)]),
        ([seen(2, 0), seen(1, 5, 2)], [(2, 1)]),
        ([seen(1, 0, offline=False), seen(2, 5, 2)], [(1, 2)]),
        ([seen(1, 0, offline=False), seen(2, 5, 2, offline=False)], []),
        ([seen(1, 0), seen(2, 5, 1)], []),
        ([seen(1, 0), seen(2, 3, 2, comes_in=False), seen(3, 5, 2)], []),
        ([seen(1, 0), seen(2, 5, 2), seen(3, 9, 3)], [(1, 2), (2, 3)]),
        ([seen(1, 0), seen(2, 5, 2, again_after_s=299)], []),
        ([seen(1, 0), seen(2, 5, 2, again_after_s=301)], [(1, 2)]),
        ([], []),
    ],
)
def test_pairs_are_found(walks: list[Seen], pairs: list[tuple[int, int]]):
    for told in permutations(walks):
        assert numbers(told) == pairs


@given(some.lists(some.tuples(some.integers(0, 9), some.integers(1, 3), some.booleans()), max_size=8))
def test_an_account_where_everybody_leaves_before_coming_again_has_no_pair(ways: list[tuple[int, int, bool]]):
    walks = []
    for number, (_, gate_id, offline) in enumerate(ways):
        walks.append(seen(2 * number, 2 * number, gate_id, offline=offline))
        walks.append(seen(2 * number + 1, 2 * number + 1, gate_id, comes_in=False))

    assert numbers(reversed(walks)) == []


def test_the_last_told_offline_entry_brings_a_pair_to_light():
    assert told_by((seen(7, 0), seen(3, 5, 2))) == 7
    assert told_by((seen(7, 0, offline=False), seen(3, 5, 2))) == 3
