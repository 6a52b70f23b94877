"""Alive, ready, and the numbers."""

import pytest

from channels.memory import MemoryBroker
from tests.served import Served, served_house


class AwayBroker(MemoryBroker):
    async def history(self, channel, **options):
        raise ConnectionError("away")


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_a_process_that_can_serve_says_so(served: Served, prefix: str):
    assert (await served.http.get(f"{prefix}/health")).json() == {"status": "ok"}
    ready = await served.http.get(f"{prefix}/health/ready")
    assert ready.json()["parts"] == {"database": "ok", "broker": "ok", "process": "ok"}
    assert ready.status_code == 200


@pytest.mark.parametrize("name", ["user", "event", "resource", "guest-access", "analytics"])
async def test_each_service_of_the_seeds_is_this_process(served: Served, name: str):
    answer = await served.http.get(f"/{name}-service/health")
    assert (answer.status_code, answer.json()["service"]) == (200, name)


async def test_other_services_do_not_exist(served: Served):
    answer = await served.http.get("/coffee-service/health")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_what_fails_is_named(database: str):
    async with served_house(database, broker=AwayBroker()) as served:
        answer = await served.http.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["parts"] == {"database": "ok", "broker": "failed", "process": "ok"}
        assert (await served.http.get("/health")).status_code == 200


async def test_calls_are_counted_by_what_became_of_them(served: Served):
    await served.http.get("/sites", headers=await served.admin())
    await served.http.post("/rpc/no.such", headers=await served.sign_up())
    page = (await served.http.get("/metrics")).text
    assert 'gatehouse_calls_total{operation="sites.list_sites",outcome="ok"} 1.0' in page
    assert "no.such" not in page
    assert 'gatehouse_call_seconds_count{operation="sites.list_sites"} 1.0' in page
