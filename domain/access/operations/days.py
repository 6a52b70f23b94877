"""Days: the access log is one partition per day of receipt, opened before the day begins, dropped after its term.

1. What is dropped is noted and signed, by site and day, in the same transaction: the proof tells it from what
   vanished. It is settled before (``occupancy``), so that a rebuild of where everybody is needs it no more.
2. A day that has had its term at all sites which have anything of it goes as a whole, in a moment; one that others
   still keep goes row by row, some at a time.
3. A day of which an incident hold keeps anything stays whole. Sites are locked first, so that a hold that was
   placed is seen, and one that is being placed waits.
4. Dropping a partition locks the whole log for that moment: it gives up after a fraction of a second, for ingestion
   queues behind it, and is tried again in the next round.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, select, text

from domain.access.operations.occupancy import settle
from domain.access.operations.omissions import bounds, note_dropped
from domain.access.operations.retention import terms_of_sites
from domain.access.tables.evidence import OmissionRow
from domain.kernel import queries
from domain.kernel.context import Context
from domain.kernel.operations import operation
from domain.sites.operations import lock_site

AHEAD = 7
AT_ONCE = 20_000


class Day(msgspec.Struct, frozen=True):
    """A day of the log; without a partition where its rows came before anybody opened it."""

    date: date
    partition: str | None

    @property
    def span(self) -> dict[str, Any]:
        """Its first moment and that of the next, for questions."""
        since, until = bounds(self.date)
        return {"since": since, "until": until}

    def had_its_term(self, days: int, now: datetime) -> bool:
        """Tell whether all of it is older than so many days."""
        return bounds(self.date)[1] + timedelta(days=days) <= now


@operation("access.open_days", allow={"service"}, replays=False)
async def open_days(ctx: Context) -> int:
    """Open the partitions of today and the next days; return how many were missing.

    A log nobody opened days for is not lost: its rows go to the default partition.
    """
    return await ctx.db.scalar(select(func.open_access_days(ctx.now.date(), AHEAD))) or 0


@operation("access.drop_days", allow={"service"}, replays=False)
async def drop_days(ctx: Context) -> int:
    """Take the oldest day that has had its term out of the log, or some of it; return how many events went.

    An empty day counts as one. To be asked again until it is 0: nothing goes any more.
    """
    alone = select(func.pg_try_advisory_xact_lock(func.hashtext("access.drop_days")))
    if not await ctx.db.scalar(alone):
        return 0
    terms = await terms_of_sites(ctx)
    newest = ctx.now.date() - timedelta(days=min(terms.values(), default=0))
    rows = await ctx.db.execute(queries.load("domain.access", "days_of_log"), {"before": newest})
    for day in [Day(row[0], row[1]) for row in rows]:
        due = sorted(site for site, days in terms.items() if day.had_its_term(days, ctx.now))
        for site_id in due:
            await lock_site(ctx, site_id)
        if taken := await _drop(ctx, day, due, terms):
            return taken
    return 0


async def _drop(ctx: Context, day: Day, due: Sequence[int], terms: dict[int, int]) -> int:
    given = {"site_ids": sorted(terms), **day.span}
    rows = await ctx.db.execute(queries.load("domain.access", "sites_of_day"), given)
    held = {row[0]: row[1] for row in rows}
    going = [site_id for site_id in held if site_id in due and not held[site_id]]
    taken = 0
    for site_id in going:
        taken += await _note(ctx, site_id, day, terms[site_id])
    if day.partition is not None and len(going) == len(held):
        await _drop_partition(ctx, day, going)
        return max(taken, 1)
    for site_id in going:
        await _drop_rest(ctx, site_id, day)
        gone = await ctx.db.execute(
            queries.load("domain.access", "drop_events"), {"site_id": site_id, "limit": AT_ONCE, **day.span}
        )
        if count := len(gone.all()):
            return count
    return taken


async def _note(ctx: Context, site_id: int, day: Day, term_days: int) -> int:
    """Note what goes of a site's day, once, before any of it goes; return how many events that is."""
    noted = (OmissionRow.site_id == site_id) & (OmissionRow.day == day.date) & (OmissionRow.kind == "dropped")
    if await ctx.db.scalar(select(OmissionRow.id).where(noted)) is not None:
        return 0
    # what comes before the end of the day cannot be replayed later
    await settle(ctx, site_id, day.span["until"])
    counted = await ctx.db.execute(
        queries.load("domain.access", "count_day"), {"site_id": site_id, **day.span}
    )
    events, unreadable = counted.one()
    await note_dropped(ctx, site_id, day.date, events=events, unreadable=unreadable, term_days=term_days)
    return int(events)


async def _drop_partition(ctx: Context, day: Day, site_ids: Sequence[int]) -> None:
    for site_id in site_ids:
        await _drop_rest(ctx, site_id, day)
    await ctx.db.execute(text("SET LOCAL lock_timeout = '200ms'"))
    await ctx.db.execute(text(f'DROP TABLE "{day.partition}"'))


async def _drop_rest(ctx: Context, site_id: int, day: Day) -> None:
    await ctx.db.execute(queries.load("domain.access", "drop_quarantine"), {"site_id": site_id, **day.span})
