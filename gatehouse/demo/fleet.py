"""The demo's turnstiles: a fleet file for the simulators, who know no more than it and the wire."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from domain.access.operations.keys import public_keys
from domain.kernel.caller import SERVICE
from domain.kernel.runtime import Runtime
from gatehouse.demo.place import HOUSE, Place
from simulators.plan import FleetPlan, GatePlan, Person, Scenario, Zone

SPEED = 120.0
"""The demo's working day takes four and a half minutes."""
STREET_GATES = 2


async def plan(runtime: Runtime, place: Place, broker: str, tokens: Sequence[str]) -> FleetPlan:
    """Return the fleet of the demo's gates, with the day's guests walking through."""
    gates = await _gates(runtime, place)
    entrances = [gate for gate in gates if gate.from_zone is None]
    inner = [gate for gate in gates if gate.from_zone is not None]
    return FleetPlan(
        broker=broker,
        gates=tuple(gates),
        public_keys=await pass_keys(runtime),
        people=tuple(_person(number, token, entrances, inner) for number, token in enumerate(tokens)),
        scenario=Scenario(speed=SPEED),
    )


async def pass_keys(runtime: Runtime) -> dict[str, str]:
    """Return the public keys of passes as a fleet file has them."""
    async with runtime.sessions.begin() as db:
        keys = await public_keys(runtime.context(SERVICE, db))
    return {str(key_id): key for key_id, key in keys.items()}


def write(path: Path, fleet: FleetPlan) -> None:
    """Write the file whole, readable by us alone: it holds the gates' passwords."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(fleet)))
    os.replace(fresh, path)


async def _gates(runtime: Runtime, place: Place) -> list[GatePlan]:
    asked = {"siteId": place.site_id, "limit": 200}
    zones = {zone.zone_id: zone for zone in (await runtime.call(HOUSE, "access.list_zones", asked)).items}
    known = {gate.gate_id: gate for gate in (await runtime.call(HOUSE, "access.list_gates", asked)).items}
    accounts = await runtime.call(SERVICE, "access.list_device_accounts", {"pending": False})

    def side(zone_id: int | None) -> Zone | None:
        return None if zone_id is None else Zone(zone_id=zone_id, ordinal=zones[zone_id].ordinal)

    return [
        GatePlan(
            gate_id=account.gate_id,
            site_id=account.site_id,
            password=account.password,
            name=known[account.gate_id].name,
            from_zone=side(known[account.gate_id].from_zone_id),
            to_zone=side(known[account.gate_id].to_zone_id),
            policy=zones[known[account.gate_id].to_zone_id].offline_policy,
        )
        for account in accounts
        if account.gate_id in known
    ]


def _person(number: int, token: str, entrances: list[GatePlan], inner: list[GatePlan]) -> Person:
    way = [entrances[number % len(entrances)].gate_id]
    if inner and number % 3 == 0:
        way.append(inner[0].gate_id)
    return Person(token=token, gates=tuple(way))
