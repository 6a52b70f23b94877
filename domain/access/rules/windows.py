"""When a guest pass may begin and end, and what becomes of a guest."""

from datetime import datetime, timedelta
from typing import Literal

LONGEST = timedelta(days=31)
"""A signed pass opens gates without a link until it ends, so none is issued for longer than a month."""

GuestState = Literal["expected", "inside", "left", "revoked", "expired"]


def window_problem(start: datetime, end: datetime, now: datetime) -> tuple[str, str] | None:
    """Returns the field that is wrong with a window asked for, and why; None = nothing."""
    if end <= start:
        return "end", "must be after start"
    if end <= now:
        return "end", "is in the past"
    if end - start > LONGEST:
        return "end", f"a pass lasts at most {LONGEST.days} days"
    return None


def guest_state(*, revoked: bool, inside: bool, arrived: bool, until: datetime, now: datetime) -> GuestState:
    """Returns where a guest stands: somebody inside stays so whatever became of the pass."""
    if inside:
        return "inside"
    if revoked:
        return "revoked"
    if arrived:
        return "left"
    return "expired" if until <= now else "expected"
