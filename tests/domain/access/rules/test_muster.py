"""How sure it is that somebody is inside, and what is said where numbers do not add up."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.access.rules.muster import confidence, is_safe, place_after, reconcile

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HALL, YARD = 1, 2


@pytest.mark.parametrize(
    ("hours", "sure", "doubted", "said"),
    [
        (1, True, None, "seen"),
        (11.9, True, None, "seen"),
        (12, True, None, "assumed"),
        (1, False, None, "assumed"),
        (1, True, NINE - timedelta(minutes=1), "seen"),
        (1, True, NINE, "doubt"),
        (20, False, NINE + timedelta(hours=2), "doubt"),
    ],
)
def test_confidence_falls_with_time_with_unsure_gates_and_with_doubtful_alarms(
    hours: float, sure: bool, doubted: datetime | None, said: str
):
    assert confidence(NINE, NINE + timedelta(hours=hours), sure=sure, doubted_at=doubted) == said


def test_who_was_only_asked_about_stands_before_the_gate():
    assert place_after("decision", None, HALL) is None
    assert place_after("passage", None, HALL) == HALL


def test_outside_and_where_people_gather_is_safe():
    assert [is_safe(place, [YARD]) for place in (None, YARD, HALL)] == [True, True, False]


def test_what_adds_up_needs_no_words():
    total = reconcile(HALL, "hall", 7, (12, 4, -1), (5, 2))

    assert (total.elsewhere, total.unknown, total.known, total.safe, total.remarks) == (0, 2, 5, 2, ())


@pytest.mark.parametrize(
    ("inside", "parts", "known", "words"),
    [
        (6, (12, 5, 0), 6, "1 left without being seen at a gate of this zone"),
        (8, (12, 5, 0), 8, "1 are here without being seen to come in"),
        (-2, (1, 3, 0), 0, "2 more left than were counted in"),
        (5, (5, 0, 0), 7, "2 more passes than people counted"),
    ],
)
def test_what_does_not_add_up_is_said(inside: int, parts: tuple[int, int, int], known: int, words: str):
    total = reconcile(HALL, "hall", inside, parts, (known, 0))

    assert total.inside == total.came - total.went + total.corrected + total.elsewhere
    [remark] = total.remarks
    assert remark.startswith(words)
