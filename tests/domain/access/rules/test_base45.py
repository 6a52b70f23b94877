"""Base45 reads back what it wrote and has one text per value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.rules import base45


@pytest.mark.parametrize(
    ("raw", "text"), [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581")]
)
def test_the_examples_of_the_standard_are_written_and_read(raw: bytes, text: str):
    assert base45.encode(raw) == text
    assert base45.decode(text) == raw


@pytest.mark.parametrize("text", ["GGW", ":::", "::", "0", "a00", "AAé", "BB8A"])
def test_junk_is_answered_with_none(text: str):
    assert base45.decode(text) is None


@given(st.binary(max_size=200))
def test_any_bytes_come_back(raw: bytes):
    assert base45.decode(base45.encode(raw)) == raw


@given(st.text(base45.ALPHABET, max_size=60))
def test_a_text_that_can_be_read_is_the_only_text_of_its_bytes(text: str):
    raw = base45.decode(text)

    assert raw is None or base45.encode(raw) == text
