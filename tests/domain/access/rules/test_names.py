"""A name is found by what people say and type of it."""

import pytest

from domain.access.rules.names import fold, likeness


def near(asked: str, name: str) -> int | None:
    return likeness(fold(asked), fold(name))


@pytest.mark.parametrize(
    ("asked", "name", "distance"),
    [
        ("love", "Ada Lovelace", 0),
        ("LOVELACE ada", "Ada Lovelace", 0),
        ("zoe", "Zoë Quinn", 0),
        ("муller", "Müller", None),
        ("muller", "Anna Müller-Łukasik", 0),
        ("lukas", "Anna Müller-Łukasik", 0),
        ("артем", "Артём Семёнов", 0),
        ("lace", "Ada Lovelace", 1),
        ("lovelcae", "Ada Lovelace", 2),
        ("lovlace", "Ada Lovelace", 2),
        ("loveelace", "Ada Lovelace", 2),
        ("lovelase", "Ada Lovelace", 2),
        ("lovlase", "Ada Lovelace", None),
        ("ana", "Ada Lovelace", None),
        ("ada byron", "Ada Lovelace", None),
        ("", "Ada Lovelace", 0),
    ],
)
def test_a_name_is_as_far_as_the_slips_in_what_was_asked(asked: str, name: str, distance: int | None):
    assert near(asked, name) == distance
