"""Retention: for how long a site keeps what happened at its gates; what hangs on the log goes when it has had its term.

The log itself goes by days (``days``), with a note for each. Keys and roots of its events stay for ever: they name
nobody. Visits, the ways decisions were reached, and messages that nobody could read go by their own age, as far as
no incident hold keeps them.
"""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from sqlalchemy import select

from domain.access.events import SiteRetentionChanged
from domain.access.tables.evidence import LONGEST_TERM, SiteRetentionRow
from domain.kernel import queries
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.operations import operation
from domain.sites.operations import all_sites, lock_site

USUAL_DAYS = 90
AT_ONCE = 5_000
LEFT = ("drop_visits", "drop_decisions")
Days = Annotated[int, msgspec.Meta(ge=1, le=LONGEST_TERM)]


class RetentionView(msgspec.Struct, frozen=True, rename="camel"):
    """For how many days a site keeps what happened at its gates."""

    site_id: int
    days: int


@operation("access.get_retention", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def get_retention(ctx: Context, *, site_id: int) -> RetentionView:
    """Tell for how many days a site keeps what happened at its gates."""
    ctx.require(*STAFF, site_id=site_id)
    row = await ctx.db.get(SiteRetentionRow, site_id)
    return RetentionView(site_id, row.days if row else USUAL_DAYS)


@operation("access.set_retention", allow={"manager", "admin"}, aliases={"retentionDays": "days"})
async def set_retention(ctx: Context, *, site_id: int, days: Days) -> RetentionView:
    """Keep what happens at a site's gates for so many days; what is older is dropped within the hour, for good."""
    ctx.require("manager", site_id=site_id)
    await lock_site(ctx, site_id)
    row = await ctx.db.get(SiteRetentionRow, site_id) or SiteRetentionRow(site_id=site_id, days=USUAL_DAYS)
    if row.days != days or row.version is None:
        row.days = days
        ctx.db.add(row)
        ctx.emit(SiteRetentionChanged(site_id=site_id, days=days), of=row)
    return RetentionView(site_id, days)


@operation("access.drop_leftovers", allow={"service"}, replays=False)
async def drop_leftovers(ctx: Context) -> int:
    """Drop some visits, ways of decisions and strangers' messages that have had their term; return how many."""
    taken, terms = 0, await terms_of_sites(ctx)
    for site_id, days in sorted(terms.items()):
        await lock_site(ctx, site_id)
        for statement in LEFT:
            given = {
                "site_id": site_id,
                "before": _midnight(ctx.now - timedelta(days=days)),
                "limit": AT_ONCE,
            }
            taken += await _count(ctx, statement, given)
    longest = _midnight(ctx.now - timedelta(days=max(terms.values(), default=USUAL_DAYS)))
    return taken + await _count(ctx, "drop_strangers", {"before": longest, "limit": AT_ONCE})


async def terms_of_sites(ctx: Context) -> dict[int, int]:
    """Return each site's term in days."""
    chosen = await ctx.db.execute(select(SiteRetentionRow.site_id, SiteRetentionRow.days))
    return dict.fromkeys(await all_sites(ctx), USUAL_DAYS) | {row[0]: row[1] for row in chosen}


async def _count(ctx: Context, statement: str, given: dict[str, object]) -> int:
    return len((await ctx.db.execute(queries.load("domain.access", statement), given)).all())


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
