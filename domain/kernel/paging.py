"""Lists by cursor: ``{items, nextCursor}``."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar, TypeVarTuple

import msgspec
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import InstrumentedAttribute

from domain.kernel.errors import Invalid

LARGEST = 2**63 - 1

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
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


def turn(
    chosen: Select[*Ts],
    key: ColumnElement[int] | InstrumentedAttribute[int],
    *,
    limit: int,
    cursor: str | None,
    newest_first: bool = False,
) -> Select[*Ts]:
    """Return the query of one page: from the cursor on, in the order of ``key``, and one row more than the page holds.

    Raises:
        Invalid: The cursor is none of ours.
    """
    if (last := key_of(cursor)) is not None:
        chosen = chosen.where(key < last if newest_first else key > last)
    return chosen.order_by(key.desc() if newest_first else key).limit(limit + 1)


def page(items: Sequence[T], limit: int, key: Callable[[T], int]) -> Page[T]:
    """Make a page of what a ``turn`` found; the row too many tells that there is a next page."""
    more = len(items) > limit
    return Page(items[:limit], cursor_of(key(items[limit - 1])) if more else None)
