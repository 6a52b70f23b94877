"""Lists by cursor: ``{items, nextCursor}``."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

import msgspec

from domain.kernel.errors import Invalid

LARGEST = 2**63 - 1

T = TypeVar("T")
Limit = Annotated[int, msgspec.Meta(ge=1, le=200, description="How many items one page holds.")]


class Page(msgspec.Struct, Generic[T], frozen=True, rename="camel"):
    """One page of a list; ``next_cursor`` is null on the last."""

    items: Sequence[T]
    next_cursor: str | None = None


def cursor_of(key: int) -> str:
    """Return the opaque cursor that continues after ``key``."""
    return base64.urlsafe_b64encode(str(key).encode()).decode().rstrip("=")


def key_of(cursor: str | None) -> int | None:
    """Return the key hidden in a cursor.

    Raises:
        Invalid: It is no cursor of ours.
    """
    if cursor is None:
        return None
    try:
        key = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        if cursor_of(int(key)) == cursor and 0 <= int(key) <= LARGEST:
            return int(key)
    except (ValueError, binascii.Error):
        pass
    raise Invalid.field("cursor", "is not a cursor that this list gave out")


def page(rows: Sequence[T], limit: int, last_key: int | None) -> Page[T]:
    """Make a page of at most ``limit`` rows; ask the database for one more to know whether there is a next page."""
    return Page(rows[:limit], cursor_of(last_key) if len(rows) > limit and last_key is not None else None)
