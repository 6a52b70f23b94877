"""How a gate's device is, by its own word."""

from collections.abc import Sequence

import msgspec

from domain.access.tables.place import GateRow


class GateHealth(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a gate said of its device in its last birth and its last heartbeat; null is what it did not say."""

    hardware: str
    capabilities: Sequence[str]
    directions: Sequence[str]
    time_zone: str
    uptime_s: int | None
    rssi: int | None
    temperature: float | None
    battery: int | None
    power: str | None
    journal_low: int
    journal_high: int
    list_revision: int
    config_revision: int


def gate_health(row: GateRow) -> GateHealth:
    """Return what a gate said of its device."""
    return GateHealth(**{name: getattr(row, name) for name in GateHealth.__struct_fields__})
