"""Who may look at the hubs, and what they see: through the one road, by HTTP and by a socket."""

from collections.abc import AsyncIterator

import pytest

from tests.eventually import eventually
from tests.sdk import Seen, connected
from tests.served import Served, served_house


@pytest.fixture
async def served(database: str) -> AsyncIterator[Served]:
    async with served_house(database) as one:
        yield one


async def test_staff_see_the_hubs_and_others_do_not(served: Served):
    admin, member = await served.admin(), await served.sign_up()
    answers = [await served.http.get("/hubs", headers=headers) for headers in (admin, member, {})]
    assert [answer.status_code for answer in answers] == [200, 403, 401]
    for role, status in (("member", 403), ("desk", 403), ("guard", 200), ("manager", 200)):
        person = await served.sign_up()
        site = (await served.http.post("/sites", json={"name": role}, headers=admin)).json()
        user_id = (await served.http.get("/auth/me", headers=person)).json()["id"]
        given = {"siteId": site["siteId"], "role": role, "granted": True}
        await served.http.put(f"/users/{user_id}/roles", json=given, headers=admin)
        assert (await served.http.get("/api/hubs", headers=person)).status_code == status, role


async def test_what_is_shown_moves_and_only_newer_samples_are_sent(served: Served):
    admin = await served.admin()
    async with connected(served, admin, Seen()) as client:

        async def counted() -> None:
            seen = (await client.rpc("hubs.show_hubs", {})).data
            assert [hub["uid"] for hub in seen["hubs"]] == [seen["by"]] and seen["complete"]
            assert seen["totals"]["connections"] == {"json": 1} and len(seen["samples"]) >= 2

        await eventually(counted)
        everything = (await client.rpc("hubs.show_hubs", {})).data
        latest = everything["samples"][-1]["at"]
        newer = (await client.rpc("hubs.show_hubs", {"after": latest})).data
        assert len(newer["samples"]) <= 1 and newer["totals"]["connections"] == {"json": 1}
