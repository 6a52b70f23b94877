"""Openings: somebody who may has walked into a zone that waited for its first person, and it is open for the day."""

from collections.abc import Sequence

from domain.access.operations.lists import next_revision, site_list
from domain.access.operations.passages import Passage
from domain.access.rules.hours import same_day
from domain.kernel import queries
from domain.kernel.context import Context


async def open_zones(ctx: Context, passages: Sequence[Passage]) -> None:
    """Open the zones that were entered with a pass that opens, as of that moment: told late, it is a day gone by."""
    entries = [
        (passage.grant_id, passage.walk.entered, passage.at)
        for passage in passages
        if passage.grant_id is not None and passage.walk.entered is not None
    ]
    if not entries:
        return
    grant_ids, zone_ids, ats = zip(*entries, strict=True)
    given = {"grant_ids": list(grant_ids), "zone_ids": list(zone_ids), "ats": list(ats)}
    opened = (await ctx.db.execute(queries.load("domain.access", "open_zones"), given)).all()
    zones = {site_id: (await site_list(ctx, site_id)).time_zone for site_id, _, _ in opened}
    news = {
        site_id
        for site_id, was, is_ in opened
        if was is None or not same_day(was.timestamp(), is_.timestamp(), zones[site_id])
    }
    for site_id in sorted(news):
        await next_revision(ctx, site_id)  # its gates are told once a day
