"""What is wrong with a value, in the words of people instead of those of the decoder."""

import re
from collections.abc import Sequence

_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
    "datetime": "a time",
    "bytes": "base64 text",
}
_QUOTED = re.compile(r"`([^`]*)`")


def in_words(complaint: str, choices: Sequence[object] = ()) -> str:
    """Return msgspec's ``Expected `int`, got `str``` as ``must be a whole number, not text``.

    ``choices`` are the values there are to choose from, where only some may be given.
    """
    if complaint.startswith("Invalid RFC3339"):
        return "must be an RFC 3339 time such as 2026-01-31T09:00:00+03:00"
    if complaint.startswith("Invalid enum value "):
        given = complaint.removeprefix("Invalid enum value ")
        known = ", ".join(map(str, choices)) or "the values there are"
        return f"must be one of {known}, not {given}"
    words = _QUOTED.sub(lambda quoted: _kinds(quoted[1]), complaint)
    words = words.replace("Expected ", "must be ").replace(", got ", ", not ")
    return words[:1].lower() + words[1:]


def _kinds(quoted: str) -> str:
    return " or ".join(_KINDS.get(kind, kind) for kind in quoted.split(" | "))
