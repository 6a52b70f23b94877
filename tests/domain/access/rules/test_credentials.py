"""A card, PIN or plate has one way to be written, however it was read, and only a digest of it is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.access.rules.credentials import Kind, digest, hint, normalised

KEY, OTHER = b"k" * 32, b"o" * 32


@pytest.mark.parametrize(
    ("kind", "texts", "plain"),
    [
        ("nfc", ["04a2245b", "04:A2:24:5B", " 04-a2-24-5b ", "04 A2 24 5B"], "04A2245B"),
        ("pin", ["123456", "123 456", "12-34-56"], "123456"),
        ("plate", ["A123BC77", "а123вс77", "А 123 ВС 77", "a·123·bc-77"], "A123BC77"),
        ("plate", ["EKX1", "ЕКХ1"], "EKX1"),
        ("plate", ["МНОРТУ1", "mhopty1"], "MHOPTY1"),
        ("plate", ["АІ1234ВС", "AI 1234 BC"], "AI1234BC"),
    ],
)
def test_ways_to_write_the_same_come_to_the_same(kind: Kind, texts: list[str], plain: str):
    assert {normalised(kind, text) for text in texts} == {plain}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("nfc", "04A2245"),
        ("nfc", "0" * 33),
        ("nfc", "04А2245B"),
        ("pin", "123"),
        ("pin", "1" * 13),
        ("pin", "١٢٣٤٥٦"),
        ("plate", "A"),
        ("plate", "Ж123ЖЖ"),
        ("plate", "A" * 13),
        ("plate", "A123\0"),
    ],
)
def test_what_cannot_be_one_is_none(kind: Kind, text: str):
    assert normalised(kind, text) is None


kinds: some.SearchStrategy[Kind] = some.sampled_from(["nfc", "pin", "plate"])


@given(kinds, some.text(max_size=40))
def test_any_text_is_safe_and_what_is_normal_stays_so(kind: Kind, text: str):
    plain = normalised(kind, text)

    assert plain is None or normalised(kind, plain) == plain


@given(some.text(some.sampled_from("0123456789"), min_size=8, max_size=12))
def test_digests_differ_by_site_kind_and_number(number: str):
    made = {digest(KEY, kind, number) for kind in ("nfc", "pin", "plate")}

    assert len(made) == 3 and digest(OTHER, "nfc", number) not in made
    assert digest(KEY, "nfc", number) != digest(KEY, "nfc", number + "0")


def test_people_tell_their_cards_apart_and_no_pin_is_shown():
    assert [hint("nfc", "04A2245B"), hint("plate", "A123BC77"), hint("pin", "123456")] == [
        "…245B",
        "A123BC77",
        "",
    ]
