"""The demo's place and people, made once on an empty database, through the same operations that people use."""

import secrets
from typing import Any

import msgspec

from domain.kernel.caller import SERVICE, Caller
from domain.kernel.runtime import Runtime

PASSWORD = "gatehouse-demo"
"""Of every demo account; told on the screen, and refused as a secret in production."""

STAFF = (
    ("owner", "Olga", "Smirnova", "admin"),
    ("manager", "Mikhail", "Orlov", "manager"),
    ("guard", "Grigory", "Volkov", "guard"),
    ("member", "Maria", "Lebedeva", "member"),
)
HOSTS = (("anna", "Anna", "Petrova"), ("boris", "Boris", "Ivanov"), ("clara", "Clara", "Lind"))
ZONES: tuple[tuple[str, int, bool, dict[str, Any]], ...] = (
    ("Coworking floor", 80, True, {}),
    ("Meeting rooms", 20, True, {}),
    # nobody is alone there, and nobody gets there but from the floor
    ("Server room", 5, False, {"twoPerson": True, "inOrder": True}),
)
GATES = (
    ("Main entrance A", None, 0),
    ("Main entrance B", None, 0),
    ("Meeting wing", 0, 1),
    ("Server room door", 0, 2),
)
CARD = "04A2245B6C8190"
"""Of the member's badge."""
OFFICE_HOURS: tuple[list[list[int]], ...] = ([[8 * 60, 20 * 60]],) * 5 + ([], [])
# a badge of a fixed time, so that a start that is taken up asks for the same
BADGE_LASTS = {"start": "2024-01-01T00:00:00", "end": "2099-12-31T00:00:00"}
# The coarse roles of the installation itself: it may do what an admin may.
HOUSE = Caller(roles=frozenset({"admin", "service", "member"}))


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What was made, for the guests and the turnstiles."""

    site_id: int
    hosts: tuple[int, ...]


async def furnish(runtime: Runtime) -> Place | None:
    """Make the demo's place where there is no site yet; None where somebody's own site is there.

    Each step has a key, so that a start that was cut off in the middle is taken up where it ended.
    """
    sites = (await _do(runtime, "sites.list_sites", {})).items
    begun = await _user(runtime, f"{STAFF[0][0]}@example.com") is not None
    if sites and not begun:
        return None
    hosts = [await _user(runtime, f"{name}@example.com") for name, *_ in HOSTS]
    if None in hosts or not await _finished(runtime, sites[0].site_id if sites else 0):
        await _make(runtime)
        return await furnish(runtime)
    return Place(site_id=sites[0].site_id, hosts=tuple(host for host in hosts if host is not None))


async def _make(runtime: Runtime) -> None:
    owner = STAFF[0]
    await _open(runtime, *owner[:3], PASSWORD, owner[3], None)
    site = {"name": "Gatehouse Loft", "timeZone": "Europe/Moscow"}
    site_id = (await _do(runtime, "sites.create_site", site, key="demo/site")).site_id
    for name, first, last, role in STAFF[1:]:
        await _open(runtime, name, first, last, PASSWORD, role, site_id)
    for name, first, last in HOSTS:
        await _open(runtime, name, first, last, secrets.token_urlsafe(24), "member", site_id)
    zones = []
    for name, capacity, for_guests, rules in ZONES:
        zone = {"siteId": site_id, "name": name, "capacity": capacity, "forGuests": for_guests, **rules}
        zone["offlinePolicy"] = "signed_ok" if for_guests else "deny"
        zones.append((await _do(runtime, "access.create_zone", zone, key=f"demo/{name}")).zone_id)
    await _give_badge(runtime, site_id, zones)
    for name, start, end in GATES:
        gate = {"siteId": site_id, "name": name, "toZoneId": zones[end]}
        gate["fromZoneId"] = None if start is None else zones[start]
        made = await _do(runtime, "access.create_gate", gate, key=f"demo/{name}")
        await _do(runtime, "access.provision_gate", {"gateId": made.gate_id}, key=f"demo/{name}/device")


async def _give_badge(runtime: Runtime, site_id: int, zones: list[int]) -> None:
    """Give the member a card for all zones, at the hours of the office."""
    hours = {"siteId": site_id, "name": "Office hours", "week": OFFICE_HOURS}
    schedule = await _do(runtime, "access.create_schedule", hours, key="demo/hours")
    badge = {
        "siteId": site_id,
        "kind": "badge",
        "zoneIds": zones,
        "scheduleId": schedule.schedule_id,
        **BADGE_LASTS,
    }
    badge["holderUserId"], badge["holderName"] = await _user(runtime, "member@example.com"), "Maria Lebedeva"
    made = await _do(runtime, "access.create_pass", badge, key="demo/badge")
    card = {"passId": made.pass_id, "kind": "nfc", "value": CARD}
    await _do(runtime, "access.add_credential", card, key="demo/card")


async def _do(runtime: Runtime, name: str, members: dict[str, Any], *, key: str | None = None) -> Any:
    return await runtime.call(HOUSE, name, members, key=key)


async def _finished(runtime: Runtime, site_id: int) -> bool:
    gates = await _do(runtime, "access.list_gates", {"siteId": site_id})
    accounts = await runtime.call(SERVICE, "access.list_device_accounts", {"pending": False})
    return len(gates.items) >= len(GATES) and len(accounts) >= len(GATES)


async def _open(
    runtime: Runtime, name: str, first: str, last: str, password: str, role: str, site_id: int | None
) -> None:
    email = f"{name}@example.com"
    if await _user(runtime, email) is not None:
        return
    account = {
        "username": name,
        "email": email,
        "password": password,
        "firstName": first,
        "lastName": last,
        "roles": [{"role": role, "siteId": site_id}],
    }
    await runtime.call(SERVICE, "identity.create_user", account)


async def _user(runtime: Runtime, email: str) -> int | None:
    found: Any = await runtime.call(SERVICE, "identity.list_users", {"search": email})
    return next((user.id for user in found.items if user.email == email), None)
