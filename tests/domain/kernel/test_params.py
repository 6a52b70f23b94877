"""Input is read in every spelling, each bad field is named at once, and junk is never an error of ours."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.errors import Invalid, Malformed
from domain.kernel.params import LARGEST, camel, members, read


class Line(msgspec.Struct, frozen=True, rename="camel"):
    item_id: int
    how_many: Annotated[int, msgspec.Meta(ge=1)] = 1
    way: Literal["in", "out"] | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    guest_name: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    lines: list[Line] = []
    more_lines: Annotated[list[Line], msgspec.Meta(max_length=3)] | None = None
    main_line: Line | None = None
    starts_at: datetime | None = None
    extra: dict[str, Any] = {}
    flag: bool = False
    site_id: int | None = None
    sizes: list[Literal[1, 2]] = []


def problems(payload: Any, **aliases: str) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        read(payload, Order, aliases)
    return {one.field: one.problem for one in caught.value.errors}


def test_keys_come_in_camel_and_snake_case_and_by_aliases():
    expected = Order(guest_name="Zoë")

    for key in ("guestName", "guest_name", "visitor", "visitor_name"):
        aliases = {"visitor": "guestName", "visitorName": "guestName"}
        assert read({key: "Zoë"}, Order, aliases) == expected


def test_a_bad_field_is_called_as_the_caller_calls_it():
    aliases = {"visitor": "guestName", "start_time": "startsAt"}

    assert set(problems({"visitor": 5, "start_time": "soon"}, **aliases)) == {"visitor", "start_time"}
    assert set(problems({"guest_name": 5, "startsAt": "soon"}, **aliases)) == {"guestName", "startsAt"}


def test_keys_of_nested_objects_too():
    lines = [{"item_id": 1, "howMany": 2}, {"itemId": 3}]
    expected = [Line(1, 2), Line(3)]

    order = read({"guestName": "a", "lines": lines, "more_lines": lines, "main_line": lines[0]}, Order, {})

    assert isinstance(order, Order)
    assert (order.lines, order.more_lines, order.main_line) == (expected, expected, expected[0])


def test_free_form_objects_keep_their_keys():
    order = read({"guestName": "a", "extra": {"some_key": {"another_key": 1}}}, Order, {})

    assert isinstance(order, Order)
    assert order.extra == {"some_key": {"another_key": 1}}


def test_every_bad_field_is_named_at_once():
    found = problems(
        b'{"lines": [{"itemId": 1}, {"itemId": "x"}], "flag": 3, "colour": 1, "startsAt": "soon", "siteId": 1.5}'
    )

    assert set(found) == {"guestName", "lines[1].itemId", "flag", "colour", "startsAt", "siteId"}
    assert found["guestName"] == "is required"
    assert found["colour"] == "there is no such field"
    assert found["flag"] == "must be true or false, not a whole number"


def test_a_wrong_choice_is_told_what_there_is_to_choose_from_wherever_it_stands():
    lines = [{"itemId": 1, "way": "up"}]
    found = problems({"guestName": "a", "sizes": [1, 3], "moreLines": lines, "mainLine": lines[0]})

    assert found == {
        "sizes[1]": "must be one of 1, 2, not 3",
        "moreLines[0].way": "must be one of in, out, not 'up'",
        "mainLine.way": "must be one of in, out, not 'up'",
    }


def test_one_field_under_two_spellings_is_refused():
    assert problems({"guestName": "a", "guest_name": "b"}) == {
        "guestName": "given twice, under two spellings"
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("guestName", "a\0b"),
        ("guestName", ""),
        ("guestName", "x" * 21),
        ("siteId", LARGEST + 1),
        ("siteId", -LARGEST - 2),
        ("startsAt", "0001-01-01T00:00:00Z"),
        ("startsAt", "9999-12-31T23:59:59Z"),
        ("extra", {"a": ["b", {"c": "\0"}]}),
        ("extra", {"\0": 1}),
        ("lines", [{"itemId": LARGEST + 1}]),
    ],
)
def test_what_no_row_can_hold_is_refused(field: str, value: Any):
    assert list(problems({"guestName": "a", field: value})) == [field]


@pytest.mark.parametrize(
    "payload", [b"{", b"[]", b"1", b'"a"', b"null", b"\xff", b'{"a": "\xff"}', b'{"a": "\\ud800"}']
)
def test_what_is_no_object_is_malformed(payload: bytes):
    with pytest.raises((Malformed, Invalid)):
        read(payload, Order, {})


@pytest.mark.parametrize("depth", [50, 500, 5_000, 500_000])
def test_deep_nesting_is_refused_or_read(depth: int):
    payload = b'{"guestName": "a", "extra": {"a": ' + b"[" * depth + b"]" * depth + b"}}"

    try:
        read(payload, Order, {})
    except (Malformed, Invalid):
        assert depth > 50


def test_a_query_is_text_and_a_body_is_not():
    query = {"guestName": "a", "siteId": "3", "flag": "true"}

    order = read(query, Order, {}, textual=True)

    assert isinstance(order, Order)
    assert (order.site_id, order.flag) == (3, True)
    assert set(problems(query)) == {"siteId", "flag"}


def test_an_empty_body_has_no_members():
    assert members(b"") == {}


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_no_bytes_are_an_error_of_ours(payload: bytes):
    try:
        read(payload, Order, {})
    except (Malformed, Invalid):
        return


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
names = st.sampled_from(
    ["guestName", "lines", "more_lines", "mainLine", "startsAt", "extra", "flag", "siteId", "x"]
)


@settings(max_examples=300)
@given(st.dictionaries(names, anything))
def test_no_values_are_an_error_of_ours(payload: dict[str, Any]):
    try:
        read(payload, Order, {})
    except (Malformed, Invalid):
        return


def test_camel_case():
    assert [camel(name) for name in ("a", "a_b", "guest_pass_id", "already", "")] == [
        "a",
        "aB",
        "guestPassId",
        "already",
        "",
    ]
