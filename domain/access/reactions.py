"""What access does in the transaction of others' facts."""

from collections.abc import Sequence

from domain.access.operations.lists import next_revision
from domain.kernel.context import Context
from domain.kernel.events import reacts_to
from domain.sites.events import SiteCreated, SiteUpdated
from domain.sites.operations import time_zone_of


@reacts_to(SiteCreated, SiteUpdated)
async def follow_site(ctx: Context, facts: Sequence[SiteCreated | SiteUpdated]) -> None:
    """Have the gates of a site go by its time zone."""
    for site_id in sorted({fact.site_id for fact in facts}):
        row = await next_revision(ctx, site_id)
        row.time_zone = await time_zone_of(ctx, site_id)
