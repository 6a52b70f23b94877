"""Whether a name is the one that somebody at the desk says or types: without case, accents and small slips."""

import unicodedata
from typing import Final

LETTERS: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})
"""Letters that are not a letter and an accent to Unicode, and are to people."""
SLIPS_FROM: Final = 4
"""Shorter words must be right: one slip makes any of them another name."""


def fold(text: str) -> str:
    """Returns a text as it is compared: small letters without accents, one space between words."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in apart if not unicodedata.combining(letter)).translate(LETTERS)
    return " ".join("".join(letter if letter.isalnum() else " " for letter in letters).split())


def likeness(asked: str, name: str) -> int | None:
    """Returns how far a name is from what was asked, both folded; None = it is another.

    0: its words begin so; 1: they hold it; 2: they do with a slip. Each word asked must be in the name; their order
    does not matter.
    """
    words, found = name.split(), 0
    for word in asked.split():
        near = [_distance(word, one) for one in words]
        best = min((one for one in near if one is not None), default=None)
        if best is None:
            return None
        found = max(found, best)
    return found


def _distance(asked: str, word: str) -> int | None:
    if word.startswith(asked):
        return 0
    if asked in word:
        return 1
    if len(asked) < SLIPS_FROM:
        return None
    # what was typed may be the beginning of a longer word
    lengths = {len(asked) - 1, len(asked), len(asked) + 1}
    return 2 if any(_one_slip(asked, word[:length]) for length in lengths) else None


def _one_slip(one: str, other: str) -> bool:
    """Whether one letter was left out, put in, taken for another, or two changed places."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    at = next((place for place, letter in enumerate(short) if letter != long[place]), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at + 1 : at + 2] + short[at : at + 1] == long[at : at + 2]
    return short[at + 1 :] == long[at + 1 :] or (swapped and short[at + 2 :] == long[at + 2 :])
