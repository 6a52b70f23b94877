"""Somebody is on the list however their name is written, and refusing goes before telling."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from domain.access.rules.watch_list import Entry, Holder, Watched, folded, found


def on_list(kind: Watched, value: str, action: str = "refuse", number: int = 1) -> Entry:
    return Entry(id=number, kind=kind, value=folded(kind, value), action=action)  # type: ignore[arg-type]  # an action


@pytest.mark.parametrize(
    ("listed", "holder"),
    [
        ("Ivan Petrov", "petrov  IVAN"),
        ("Пётр Алёшин", "алешин петр"),
        ("José Álvarez", "Alvarez Jose"),
        ("Jürgen Groß", "GROSS JURGEN"),
    ],
)
def test_a_name_is_found_without_accents_case_and_order(listed: str, holder: str):
    assert found([on_list("name", listed)], Holder(name=holder)) is not None


@pytest.mark.parametrize(
    ("entry", "holder"),
    [
        (on_list("name", "Ivan Petrov"), Holder(name="Ivan")),
        (on_list("name", "Ivan"), Holder(name="Ivan Petrov")),
        (on_list("email", "a@example.com"), Holder(name="a@example.com")),
        (on_list("user", "1"), Holder(user_id=11)),
        (on_list("plate", "A1"), Holder(plates=["A11"])),
        (on_list("user", "0"), Holder()),
    ],
)
def test_somebody_else_is_not_found(entry: Entry, holder: Holder):
    assert found([entry], holder) is None


def test_address_number_and_plates_are_compared_too():
    holder = Holder(name="Ann", email="Ann@Example.com", user_id=7, plates=["B2", "A1"])

    for kind, value in (("email", "ann@example.COM"), ("user", "7"), ("plate", "A1")):
        assert found([on_list(kind, value)], holder) is not None  # type: ignore[arg-type]  # kinds


def test_an_entry_that_refuses_goes_before_those_that_tell():
    entries = [
        on_list("name", "Ann", "alert", 1),
        on_list("user", "7", "refuse", 3),
        on_list("name", "Ann", "refuse", 2),
    ]

    assert found(entries, Holder(name="Ann", user_id=7)) == entries[2]
    assert found(entries[:1], Holder(name="Ann", user_id=7)) == entries[0]


@settings(max_examples=2000)
@given(some.text(max_size=40))
def test_folding_any_name_is_safe_and_the_same_again_changes_nothing(name: str):
    once = folded("name", name)

    assert folded("name", once) == once
    assert folded("name", " ".join(reversed(name.split()))) == once
