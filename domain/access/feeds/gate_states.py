"""Gates as they are, and the pulse that says that events flow."""

from collections.abc import Sequence

from domain.access.events import (
    AccessRecorded,
    DeviceDisabled,
    DeviceEnabled,
    GateChanged,
    GateObeyed,
    GateOffline,
    GateOnline,
    GateOrdered,
)
from domain.access.feeds.door import staff_only
from domain.access.queries.gate_items import gate_items
from domain.kernel.context import Context
from domain.kernel.feeds import Feed, Item, Shown

gates = Feed("gates:{site_id}", remembers=300)
gates.may(staff_only)
pulse = Feed("pulse:{site_id}", remembers=0)
pulse.may(staff_only)


@gates.first
async def all_gates(ctx: Context, *, site_id: int) -> list[Item]:
    """Every gate of the site."""
    return (await gate_items(ctx, site_id=site_id)).get(site_id, [])


@gates.shows(
    GateChanged,
    GateOnline,
    GateOffline,
    GateOrdered,
    GateObeyed,
    DeviceDisabled,
    DeviceEnabled,
    AccessRecorded,
)
async def show_gates(ctx: Context, facts: Sequence[GateChanged | AccessRecorded]) -> Shown:
    """Gates that were changed, came or went, or reported something."""
    found = await gate_items(ctx, sorted({fact.gate_id for fact in facts}))
    return {gates.channel(site_id=site_id): items for site_id, items in found.items()}
