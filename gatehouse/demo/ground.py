"""What there is of a site already: its zones and gates by their names, and the accounts of its devices."""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.access.operations.device_accounts import password_of
from domain.access.operations.gates import GateView
from domain.kernel.runtime import Runtime
from gatehouse.demo.place import HOUSE
from gatehouse.pages import every_item
from simulators.plan import Zone


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """One site; of several things with the same name the oldest counts."""

    site_id: int
    zones: Mapping[int | None, Zone]
    """By their ids; the street, which has none, is not among them."""
    zones_by_name: Mapping[str, Zone]
    gates: Mapping[str, GateView]
    passwords: Mapping[int, str]
    """Of the device accounts, by their gates."""


async def survey(runtime: Runtime, site_id: int) -> Ground:
    """Return what the site has."""
    views = await all_of(runtime, "access.list_zones", siteId=site_id)
    zones: dict[int | None, Zone] = {
        one.zone_id: Zone(zone_id=one.zone_id, ordinal=one.ordinal) for one in views
    }
    gates = await all_of(runtime, "access.list_gates", siteId=site_id)
    devices = await all_of(runtime, "access.list_devices", siteId=site_id)
    return Ground(
        site_id=site_id,
        zones=zones,
        zones_by_name={one.name: zones[one.zone_id] for one in reversed(views)},
        gates={one.name: one for one in reversed(gates)},
        passwords={one.gate_id: password_of(runtime.tools, one.gate_id, one.generation) for one in devices},
    )


async def all_of(runtime: Runtime, name: str, **asked: Any) -> list[Any]:  # Any: the views of any list
    """Return every item of a list, as the house sees it."""
    return [one async for one in every_item(runtime, HOUSE, name, **asked)]
