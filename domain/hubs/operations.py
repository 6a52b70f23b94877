"""What one can ask of the hubs."""

from datetime import datetime

import msgspec

from domain.kernel.context import Context
from domain.kernel.errors import Busy
from domain.kernel.hubs import HubsView
from domain.kernel.operations import operation


@operation("hubs.show_hubs", allow={"guard", "manager", "admin", "service"}, reads=True)
async def show_hubs(ctx: Context, *, after: datetime | None = None) -> HubsView:
    """Show what the hubs do now, and their samples of the last quarter of an hour that are newer than ``after``."""
    hubs = ctx.tools.ports.hubs
    if hubs is None:
        raise Busy("No hub runs in this process", retry_after_s=5)
    seen = hubs.seen()
    if after is None:
        return seen
    return msgspec.structs.replace(seen, samples=[one for one in seen.samples if one.at > after])
