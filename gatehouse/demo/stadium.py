"""A site with as many gates as one likes, and the fleet file that runs them: `gatehouse simulate site`.

Made through the operations that people use. What is there is found by its name: a run that was cut off is taken up
where it ended, and the same site with more gates gets those that are missing, whenever that is asked.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from domain.kernel.caller import SERVICE
from domain.kernel.runtime import Runtime
from gatehouse.demo.fleet import pass_keys, write
from gatehouse.demo.ground import Ground, all_of, survey
from gatehouse.demo.place import HOUSE
from gatehouse.migrate import migrate
from gatehouse.output import ready
from gatehouse.own_database import with_database
from gatehouse.parts import process_of
from gatehouse.settings import BadSetting, Settings
from simulators.address import address
from simulators.plan import FleetPlan, GatePlan, Person

T = TypeVar("T")

AT_ONCE = 6
GATES_PER_STAND = 100
MOST_STANDS = 16
LASTS = timedelta(hours=24)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made."""

    name: str
    gates: int
    passes: int
    """For each gate."""
    broker: str


async def site(settings: Settings, wish: Wish, folder: Path) -> None:
    """Furnish the site in the database of the settings, and write the fleet file into the folder.

    Raises: BadSetting, for a broker that is no address and a folder that takes no files, before anything is made.
    """
    try:
        address(wish.broker)
    except ValueError as problem:
        raise BadSetting(f"the address of the broker {problem}; see --broker") from problem
    ready(folder)
    async with with_database(settings) as settled:
        await migrate(str(settled.database_url))
        async with process_of(settled, connections=AT_ONCE) as process:
            fleet = await furnish(process.runtime, wish)
    write(folder / "fleet.json", fleet)
    print(f"{len(fleet.gates)} gates; run them by: gatehouse simulate fleet {folder / 'fleet.json'}")


async def furnish(runtime: Runtime, wish: Wish) -> FleetPlan:
    """Make what is missing of the site, new passes for its gates, and return the fleet."""
    site_id = await _site(runtime, wish.name)
    await _make_stands(runtime, site_id, wish.gates)
    ground = await survey(runtime, site_id)
    host = await _host(runtime, site_id)
    start = runtime.clock() - timedelta(minutes=5)
    window = {"start": start.isoformat(), "end": (start + LASTS).isoformat()}

    async def gate(number: int) -> GatePlan:
        return await _gate(runtime, ground, number)

    async def token(number: int) -> str:
        guest = {"siteId": site_id, "hostUserId": host, "guestName": f"Visitor {number}", **window}
        return str((await _do(runtime, "access.create_guest_pass", guest)).qr_token)

    gates = await _each(range(1, wish.gates + 1), gate)
    tokens = await _each(range(wish.gates * wish.passes), token)
    return FleetPlan(
        broker=re.sub("//[^/@]*@", "//", wish.broker),  # a fleet has accounts of its own
        gates=tuple(gates),
        public_keys=await pass_keys(runtime),
        people=tuple(
            Person(token=token, gates=(gates[number % len(gates)].gate_id,))
            for number, token in enumerate(tokens)
        ),
    )


async def _site(runtime: Runtime, name: str) -> int:
    for one in await all_of(runtime, "sites.list_sites"):
        if one.name == name:
            return int(one.site_id)
    return int((await _do(runtime, "sites.create_site", {"name": name})).site_id)


async def _make_stands(runtime: Runtime, site_id: int, gates: int) -> None:
    there = {zone.name for zone in await all_of(runtime, "access.list_zones", siteId=site_id)}
    for number in range(1, min(MOST_STANDS, ceil(gates / GATES_PER_STAND)) + 1):
        if (name := f"Stand {number}") not in there:
            zone = {"siteId": site_id, "name": name, "forGuests": True, "offlinePolicy": "signed_ok"}
            await _do(runtime, "access.create_zone", zone)


def stand_of(number: int) -> str:
    """Return the name of the stand that a gate leads into; it is the same however many gates there are."""
    return f"Stand {(number - 1) // GATES_PER_STAND % MOST_STANDS + 1}"


async def _gate(runtime: Runtime, ground: Ground, number: int) -> GatePlan:
    """Find a gate by its name, or make one from the street into its stand; with a device account either way."""
    name = f"Turnstile {number}"
    if (found := ground.gates.get(name)) is None:
        stand = ground.zones_by_name[stand_of(number)]
        asked = {"siteId": ground.site_id, "name": name, "toZoneId": stand.zone_id}
        found = await _do(runtime, "access.create_gate", asked)
    if (password := ground.passwords.get(found.gate_id)) is None:
        password = (await _do(runtime, "access.provision_gate", {"gateId": found.gate_id})).password
    return GatePlan(
        gate_id=found.gate_id,
        site_id=ground.site_id,
        password=password,
        name=name,
        from_zone=ground.zones.get(found.from_zone_id),
        to_zone=ground.zones.get(found.to_zone_id),
    )


async def _host(runtime: Runtime, site_id: int) -> int:
    """Whose guests they all are; nobody signs in as that."""
    email = f"stadium-{site_id}@example.com"
    found: Any = await runtime.call(SERVICE, "identity.list_users", {"search": email})
    if found.items:
        return int(found.items[0].id)
    account = {
        "username": f"stadium-{site_id}",
        "email": email,
        "password": secrets.token_urlsafe(24),
        "roles": [{"role": "member", "siteId": site_id}],
    }
    return int((await runtime.call(SERVICE, "identity.create_user", account)).id)


async def _each(numbers: range, make: Callable[[int], Awaitable[T]]) -> list[T]:
    """Make one for each number, some at once, in their order."""
    made, waiting = dict[int, T](), iter(numbers)

    async def some() -> None:
        for number in waiting:
            made[number] = await make(number)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(some())
    return [made[number] for number in numbers]


async def _do(runtime: Runtime, name: str, members: dict[str, Any]) -> Any:  # Any: answers of any operation
    return await runtime.call(HOUSE, name, members)
