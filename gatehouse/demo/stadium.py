"""A site with as many gates as one likes, and the fleet file that runs them: `gatehouse simulate site`.

Made through the operations that people use, each step with a key: a run that was cut off is taken up where it ended,
and the same name with more gates adds what is missing.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from domain.kernel.caller import SERVICE
from domain.kernel.runtime import Runtime
from gatehouse.demo.fleet import write
from gatehouse.demo.place import HOUSE
from gatehouse.migrate import migrate
from gatehouse.own_database import with_database
from gatehouse.parts import process_of
from gatehouse.settings import Settings
from simulators.plan import FleetPlan, GatePlan, Person, Zone

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
    """Furnish the site in the database of the settings, and write the fleet file into the folder."""
    async with with_database(settings) as settled:
        await migrate(str(settled.database_url))
        async with process_of(settled, connections=AT_ONCE) as process:
            fleet = await furnish(process.runtime, wish)
    write(folder / "fleet.json", fleet)
    print(f"{len(fleet.gates)} gates; run them by: gatehouse simulate fleet {folder / 'fleet.json'}")


async def furnish(runtime: Runtime, wish: Wish) -> FleetPlan:
    """Make the site with its gates and passes, and return the fleet."""
    called = wish.name
    site_id = (await _do(runtime, "sites.create_site", {"name": called}, key=f"stadium/{called}")).site_id
    stands = await _stands(runtime, wish, site_id)
    host = await _host(runtime, site_id)
    start = runtime.clock() - timedelta(minutes=5)
    window = {"start": start.isoformat(), "end": (start + LASTS).isoformat()}

    async def gate(number: int) -> tuple[GatePlan, dict[str, str]]:
        return await _gate(runtime, f"stadium/{called}/{number}", number, site_id, stands)

    async def token(number: int) -> str:
        guest = {"siteId": site_id, "hostUserId": host, "guestName": f"Visitor {number}", **window}
        return str((await _do(runtime, "access.create_guest_pass", guest)).qr_token)

    made = await _each(range(1, wish.gates + 1), gate)
    tokens = await _each(range(wish.gates * wish.passes), token)
    gates = tuple(plan for plan, _ in made)
    return FleetPlan(
        broker=re.sub("//[^/@]*@", "//", wish.broker),  # a fleet has accounts of its own
        gates=gates,
        public_keys=made[0][1] if made else {},
        people=tuple(
            Person(token=token, gates=(gates[number % len(gates)].gate_id,))
            for number, token in enumerate(tokens)
        ),
    )


async def _stands(runtime: Runtime, wish: Wish, site_id: int) -> list[Zone]:
    made = []
    for number in range(1, min(MOST_STANDS, ceil(wish.gates / GATES_PER_STAND)) + 1):
        zone = {"siteId": site_id, "name": f"Stand {number}", "capacity": None, "forGuests": True}
        asked = zone | {"offlinePolicy": "signed_ok"}
        made.append(
            await _do(runtime, "access.create_zone", asked, key=f"stadium/{wish.name}/stand/{number}")
        )
    return [Zone(zone_id=zone.zone_id, ordinal=zone.ordinal) for zone in made]


async def _gate(
    runtime: Runtime, key: str, number: int, site_id: int, stands: Sequence[Zone]
) -> tuple[GatePlan, dict[str, str]]:
    """Make a gate from the street into a stand, with a device account."""
    stand = stands[number % len(stands)]
    name = f"Turnstile {number}"
    asked = {"siteId": site_id, "name": name, "toZoneId": stand.zone_id}
    gate_id = (await _do(runtime, "access.create_gate", asked, key=key)).gate_id
    device = await _do(runtime, "access.provision_gate", {"gateId": gate_id}, key=f"{key}/device")
    plan = GatePlan(gate_id=gate_id, site_id=site_id, password=device.password, name=name, to_zone=stand)
    return plan, {str(key_id): text for key_id, text in device.pass_keys.items()}


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


async def _do(runtime: Runtime, name: str, members: dict[str, Any], *, key: str | None = None) -> Any:
    return await runtime.call(HOUSE, name, members, key=key)
