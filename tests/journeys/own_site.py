"""A real site, set up as its operator does: an admin by the command line, everything else by HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.journeys.house import House, Person, calling, own_house, sign_in

ADMIN = "olga@harbour.example"
PASSWORD = "a lighthouse keeper's umbrella"


@dataclass(kw_only=True)
class Site:
    """One site with two zones, an entrance and a door between the zones, and its people."""

    house: House
    http: httpx2.AsyncClient
    admin: Person
    manager: Person
    guard: Person
    member: Person
    site_id: int
    hall: int
    office: int
    entrance: int
    door: int

    async def account(self, gate_id: int) -> dict[str, Any]:
        """Give a gate a device account."""
        made: dict[str, Any] = await self.manager.post(f"/api/gates/{gate_id}/device", status=200)
        return made

    async def new_gate(self, name: str) -> dict[str, Any]:
        """Add another entrance, and give it a device account."""
        body = {"siteId": self.site_id, "name": name, "toZoneId": self.hall}
        return await self.account((await self.manager.post("/api/gates", body))["gateId"])


@asynccontextmanager
async def own_site() -> AsyncIterator[Site]:
    """A house without the demo, whose admin was made before its first start, with a site in it."""
    async with own_house(demo=False) as house:
        made = await house.call("create-admin", "--email", ADMIN, "--password", PASSWORD)
        assert made.code == 0, made
        await house.up()
        async with calling(house) as http:
            yield await furnished(house, http)


async def furnished(house: House, http: httpx2.AsyncClient) -> Site:
    """Open the site, hire its people, build its gates."""
    admin = await sign_in(http, ADMIN, PASSWORD)
    site_id = (await admin.post("/api/sites", {"name": "Harbour", "timeZone": "Europe/Moscow"}))["siteId"]
    people = {role: await hired(http, admin, site_id, role) for role in ("manager", "guard", "member")}
    manager = people["manager"]
    hall = await manager.post("/api/zones", {"siteId": site_id, "name": "Hall", "capacity": 50})
    office = await manager.post("/api/zones", {"siteId": site_id, "name": "Office", "forGuests": False})
    zones = hall["zoneId"], office["zoneId"]
    entrance = await manager.post("/api/gates", {"siteId": site_id, "name": "Entrance", "toZoneId": zones[0]})
    door = await manager.post(
        "/api/gates", {"siteId": site_id, "name": "Door", "fromZoneId": zones[0], "toZoneId": zones[1]}
    )
    return Site(
        house=house,
        http=http,
        admin=admin,
        site_id=site_id,
        hall=zones[0],
        office=zones[1],
        entrance=entrance["gateId"],
        door=door["gateId"],
        **people,
    )


async def hired(http: httpx2.AsyncClient, admin: Person, site_id: int, role: str) -> Person:
    """Open an account, give it a role at the site, and sign in."""
    email = f"{role}@harbour.example"
    account = {
        "username": role,
        "email": email,
        "password": PASSWORD,
        "firstName": role.title(),
        "lastName": "One",
    }
    user = await admin.post("/api/users", account)
    await admin.put(f"/api/users/{user['id']}/roles", {"siteId": site_id, "role": role, "granted": True})
    return await sign_in(http, email, PASSWORD)
