"""A guest's link says one thing to whoever has the key, and nothing if a letter of it is changed."""

from hypothesis import given
from hypothesis import strategies as some

from domain.access.rules.guest_link import Link, read, sign

KEY = b"k" * 32
links = some.builds(Link, some.integers(1, 2**63 - 1), some.integers(0, 2**32 - 1))


@given(links)
def test_a_link_is_read_as_it_was_signed(link: Link):
    text = sign(link, KEY)

    assert (read(text, KEY), len(text)) == (link, 39)
    assert read(text, b"x" * 32) is None


@given(links, some.integers(0, 38), some.sampled_from("ABCabc019-_=\u00e4\n "))
def test_a_link_with_another_letter_is_nobodys(link: Link, place: int, letter: str):
    text = sign(link, KEY)
    changed = text[:place] + letter + text[place + 1 :]

    assert changed == text or read(changed, KEY) is None


@given(some.text(max_size=60))
def test_any_text_is_safe_to_hand_in(text: str):
    assert read(text, KEY) is None
