"""Who is looked for: whether somebody's name, address or plate is one that the site watches."""

import unicodedata
from collections.abc import Collection, Iterable
from typing import Literal

from msgspec import Struct

Watched = Literal["name", "email", "plate", "user"]
Action = Literal["refuse", "alert"]


class Holder(Struct, frozen=True, kw_only=True):
    """What is known of whoever holds a pass."""

    name: str = ""
    email: str = ""
    user_id: int | None = None
    plates: Collection[str] = ()


class Entry(Struct, frozen=True, kw_only=True):
    """One line of the list; `value` is as `folded` returns it."""

    id: int
    kind: Watched
    value: str
    action: Action


def folded(kind: Watched, text: str) -> str:
    """Returns a value as it is compared: names without accents, case and order of words."""
    if kind != "name":
        return " ".join(text.split()).casefold()
    # Folding case makes marks, and taking letters apart makes capitals: each comes after the other.
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).casefold()
    bare = "".join(letter for letter in parts if not unicodedata.combining(letter))
    return " ".join(sorted(bare.split()))


def found(entries: Iterable[Entry], holder: Holder) -> Entry | None:
    """Returns the entry that somebody is on the list by, one that refuses before one that only alerts."""
    about = {
        "name": {folded("name", holder.name)} if holder.name else set[str](),
        "email": {folded("email", holder.email)} if holder.email else set[str](),
        "plate": {folded("plate", plate) for plate in holder.plates},
        "user": {str(holder.user_id)} if holder.user_id is not None else set[str](),
    }
    hits = [entry for entry in entries if entry.value in about[entry.kind]]
    return min(hits, key=lambda entry: (entry.action != "refuse", entry.id), default=None)
