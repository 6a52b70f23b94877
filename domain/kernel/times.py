"""Moments as people write them at a place, and as the system keeps them."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

SiteTime = Annotated[
    datetime, msgspec.Meta(description="RFC 3339; without an offset it is read in the time zone of the site.")
]


def at_site(moment: datetime, zone: str) -> datetime:
    """Return ``moment`` in UTC, reading one without an offset in the site's zone.

    A local time that a clock change skips or repeats is read with the offset before the change (``fold=0``).
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC)


def day_bounds(moment: datetime, zone: str) -> tuple[datetime, datetime]:
    """Return the first instant of the site's day around ``moment`` and the first of the next one, in UTC."""
    local = moment.astimezone(ZoneInfo(zone)).date()
    start = datetime.combine(local, datetime.min.time(), ZoneInfo(zone))
    following = datetime.fromordinal(local.toordinal() + 1).replace(tzinfo=ZoneInfo(zone))
    return start.astimezone(UTC), following.astimezone(UTC)
