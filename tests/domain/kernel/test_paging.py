"""Cursors lead on to the next page and are nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.errors import Invalid
from domain.kernel.paging import LARGEST, cursor_of, key_of, page


@given(st.integers(0, LARGEST))
def test_a_cursor_holds_its_key(key: int):
    assert key_of(cursor_of(key)) == key


@given(st.text())
def test_anything_else_is_refused_or_ours(text: str):
    try:
        key = key_of(text)
    except Invalid as refusal:
        assert refusal.errors[0].field == "cursor"
    else:
        assert key is not None
        assert cursor_of(key) == text


@pytest.mark.parametrize(
    "cursor", ["", "!", "MQ==", cursor_of(LARGEST + 1), cursor_of(-1), "ß", "IDE", "MV8w"]
)
def test_strange_cursors_are_refused(cursor: str):
    with pytest.raises(Invalid):
        key_of(cursor)


def test_no_cursor_is_the_beginning():
    assert key_of(None) is None


def test_a_page_knows_whether_there_is_more():
    assert page([1, 2, 3], 2, int).items == [1, 2]
    assert page([1, 2, 3], 2, int).next_cursor == cursor_of(2)
    assert page([1, 2], 2, int).next_cursor is None
    assert page([], 2, int).items == []
