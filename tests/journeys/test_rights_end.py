"""A right that ends closes what was opened with it within a second, at whichever hub it was opened.

Two hubs share a database and a Redis; what ends is done at one, whoever follows is connected to the other.

Proves: server/closings.py
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from centrifuge import Client

from channels.redis.broker import RedisBroker
from tests.eventually import eventually
from tests.sdk import Seen, connected
from tests.served import Served, served_house

WITHIN_S = 1.0


@dataclass
class Hubs:
    """Two hubs of one house, an admin, and a guard of a site."""

    here: Served
    there: Served
    admin: dict[str, str]
    site_id: int
    guard: dict[str, str]
    guard_id: int

    async def zone_appears(self, name: str) -> None:
        """Have something happen that followers of the site see."""
        made = await self.here.http.post(
            f"/zones?siteId={self.site_id}", json={"name": name}, headers=self.admin
        )
        assert made.status_code == 201, made.text

    async def follow(self, client: Client, seen: Seen) -> None:
        """Follow the site's zones, and see that they come."""
        await client.new_subscription(f"occupancy:{self.site_id}", events=seen).subscribe()
        await eventually(lambda: {"items": []} in seen.views)
        await self.zone_appears("Hall")
        await eventually(lambda: "Hall" in zones_of(seen))


@pytest.fixture
async def hubs(database: str, redis_url: str) -> AsyncIterator[Hubs]:
    brokers = RedisBroker(redis_url), RedisBroker(redis_url)
    async with (
        served_house(database, broker=brokers[0]) as here,
        served_house(database, broker=brokers[1]) as there,
    ):
        admin, guard = await here.admin(), await here.sign_up("guard")
        site = (await here.http.post("/sites", json={"name": "Harbour"}, headers=admin)).json()
        guard_id = (await here.http.get("/auth/me", headers=guard)).json()["id"]
        found = Hubs(here, there, admin, site["siteId"], guard, guard_id)
        await change_role(found, granted=True)
        yield found
    for broker in brokers:
        await broker.close()


async def test_a_role_that_is_taken_closes_what_it_had_opened(hubs: Hubs):
    seen = Seen()
    async with connected(hubs.there, hubs.guard, seen) as client:
        await hubs.follow(client, seen)
        await change_role(hubs, granted=False)
        await eventually(lambda: 3011 in seen.reconnects and 103 in seen.refusals, timeout_s=WITHIN_S * 2)
        await hubs.zone_appears("Cellar")
        # The connection goes on, with the rights that are left; its next answer comes after whatever was sent.
        assert (await client.rpc("identity.me", {})).data["id"] == hubs.guard_id
        assert "Cellar" not in zones_of(seen) and not seen.ends


async def test_a_session_that_ends_closes_its_connections_and_no_others(hubs: Hubs):
    other = await hubs.here.sign_in("guard@example.com")
    ended, going_on = Seen(), Seen()
    async with connected(hubs.there, hubs.guard, ended) as client, connected(hubs.there, other, going_on):
        await hubs.follow(client, ended)
        await hubs.here.http.post("/auth/logout", headers=hubs.guard)
        await eventually(lambda: ended.ends == [3500], timeout_s=WITHIN_S)
        assert not going_on.ends


async def test_a_person_who_is_blocked_is_closed_everywhere_and_does_not_come_back(hubs: Hubs):
    here, there = Seen(), Seen()
    async with connected(hubs.here, hubs.guard, here), connected(hubs.there, hubs.guard, there) as client:
        await hubs.follow(client, there)
        gone = await hubs.here.http.delete(f"/users/{hubs.guard_id}", headers=hubs.admin)
        assert gone.is_success, gone.text
        await eventually(lambda: (here.ends, there.ends) == ([3500], [3500]), timeout_s=WITHIN_S)
        again = await hubs.there.http.get("/auth/me", headers=hubs.guard)
        assert again.status_code == 401


async def change_role(hubs: Hubs, *, granted: bool) -> None:
    """Give the guard their role at the site, or take it."""
    role = {"siteId": hubs.site_id, "role": "guard", "granted": granted}
    path = f"/users/{hubs.guard_id}/roles"
    changed = await hubs.here.http.put(path, json=role, headers=hubs.admin)
    assert changed.is_success, changed.text


def zones_of(seen: Seen) -> set[str]:
    return {zone["name"] for zone in seen.items.values()}
