"""The business behind sockets, through an unmodified client SDK."""

import asyncio
import json
from functools import partial

import pytest
from centrifuge import Client, ClientState, ReplyError

from tests.eventually import eventually
from tests.sdk import Seen, connected
from tests.served import Served

SITE = {"name": "Harbour"}


async def test_a_call_is_what_http_does(served: Served):
    async with connected(served, await served.admin(), Seen()) as client:
        made = (await client.rpc("sites.create_site", {**SITE, "idempotencyKey": "k"})).data
        again = (await client.rpc("sites.create_site", {**SITE, "idempotencyKey": "k"})).data
        assert made == again and made["name"] == "Harbour"
        assert (await client.rpc("sites.list_sites", {})).data["items"] == [made]


async def test_a_refusal_is_the_problem_document(served: Served):
    async with connected(served, await served.sign_up(), Seen()) as client:
        for method, data, status in (
            ("sites.create_site", SITE, 403),
            ("sites.get_site", {"siteId": 5}, 404),
            ("sites.get_site", {"siteId": "x"}, 422),
            ("sites.get_site", [1], 400),
            ("sites.get_site", {"siteId": 5, "idempotencyKey": 5}, 422),
            ("no.such", {}, 404),
        ):
            with pytest.raises(ReplyError) as refused:
                await client.rpc(method, data)
            assert refused.value.code == status
            assert json.loads(refused.value.message)["status"] == status


async def test_a_feed_shows_what_is_and_then_what_becomes(served: Served):
    admin, seen = await served.admin(), Seen()
    site_id = (await served.http.post("/sites", json=SITE, headers=admin)).json()["siteId"]
    zone = (await served.http.post(f"/zones?siteId={site_id}", json={"name": "Hall"}, headers=admin)).json()
    async with connected(served, admin, seen) as client:
        await client.new_subscription(f"occupancy:{site_id}", events=seen).subscribe()
        await eventually(lambda: f"zone:{zone['zoneId']}" in seen.items)
        await served.http.put(f"/zones/{zone['zoneId']}", json={"capacity": 7}, headers=admin)
        await eventually(lambda: seen.items[f"zone:{zone['zoneId']}"]["capacity"] == 7)


async def test_who_may_not_follow_is_refused(served: Served):
    admin, seen = await served.admin(), Seen()
    site_id = (await served.http.post("/sites", json=SITE, headers=admin)).json()["siteId"]
    async with connected(served, await served.sign_up(), seen) as client:
        for channel in (f"occupancy:{site_id}", "nothing:1", "&closings"):
            await client.new_subscription(channel, events=seen).subscribe()
        await eventually(lambda: sorted(seen.refusals) == [102, 102, 103])


async def test_nobody_connects_without_a_token(served: Served):
    for token in ("", "x.y.z"):
        seen = Seen()
        client = Client(served.url.replace("http", "ws") + "/connection/websocket", events=seen, token=token)
        await client.connect()
        await eventually(partial(bool, seen.ends))
        assert client.state == ClientState.DISCONNECTED and 3500 <= seen.ends[0] < 4000


async def test_the_sockets_of_a_session_end_with_it(served: Served):
    member, seen = await served.sign_up(), Seen()
    async with connected(served, member, seen):
        await served.http.post("/auth/logout", headers=member)
        await eventually(lambda: seen.ends == [3500], timeout_s=1)
    assert (await served.http.get("/auth/me", headers=member)).status_code == 401


async def test_who_gets_another_role_connects_anew_with_it(served: Served):
    admin, member, seen = await served.admin(), await served.sign_up(), Seen()
    site_id = (await served.http.post("/sites", json=SITE, headers=admin)).json()["siteId"]
    user_id = (await served.http.get("/auth/me", headers=member)).json()["id"]
    async with connected(served, member, seen) as client:
        role = {"siteId": site_id, "role": "guard", "granted": True}
        given = await served.http.put(f"/users/{user_id}/roles", json=role, headers=admin)
        assert given.status_code == 200, given.text
        await eventually(lambda: 3011 in seen.reconnects)
        await asyncio.wait_for(client.ready(), 5)
        await client.new_subscription(f"occupancy:{site_id}", events=seen).subscribe()
        await eventually(lambda: {"items": []} in seen.views)
