"""Openings: somebody who may has walked into a zone that waited for its first person, and it is open for the day."""

from collections.abc import Sequence

from domain.access.operations.passages import Passage
from domain.kernel import queries
from domain.kernel.context import Context


async def open_zones(ctx: Context, passages: Sequence[Passage]) -> None:
    """Open the zones that were entered with a pass that opens, as of that moment: told late, it is a day gone by."""
    entries = [
        (passage.grant_id, passage.walk.entered, passage.at)
        for passage in passages
        if passage.grant_id is not None and passage.walk.entered is not None
    ]
    if entries:
        grant_ids, zone_ids, ats = zip(*entries, strict=True)
        given = {"grant_ids": list(grant_ids), "zone_ids": list(zone_ids), "ats": list(ats)}
        await ctx.db.execute(queries.load("domain.access", "open_zones"), given)
