"""The decoder's complaints as people read them."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest

from domain.kernel.complaints import in_words


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ("x", int, "must be a whole number, not text"),
        (5, str, "must be text, not a whole number"),
        (5, str | None, "must be text or null, not a whole number"),
        ([], dict[str, int], "must be an object, not a list"),
        ("", Annotated[str, msgspec.Meta(min_length=1)], "must be text of length >= 1"),
        (0, Annotated[int, msgspec.Meta(ge=1, le=200)], "must be a whole number >= 1"),
        ("tomorrow", datetime, "must be an RFC 3339 time such as 2026-01-31T09:00:00+03:00"),
    ],
)
def test_a_complaint_says_what_is_wanted(value: Any, kind: Any, words: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert(value, kind)
    assert in_words(str(raised.value)) == words


def test_a_choice_is_told_with_what_there_is_to_choose_from() -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert("twice", Literal["single", "many"])
    assert in_words(str(raised.value), ["single", "many"]) == "must be one of single, many, not 'twice'"
