"""Alive, ready, and the numbers."""

import httpx2
import pytest

from channels.broker import BrokerUnavailable
from channels.memory import MemoryBroker
from tests.served import Served, served_house


class AwayBroker(MemoryBroker):
    async def history(self, channel, **options):
        raise BrokerUnavailable("away")


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


async def test_who_is_about_to_end_is_not_ready_and_tells_the_balancer_to_send_nobody_new(served: Served):
    assert (await served.http.get("/health/balancer")).status_code == 200
    await served.app.state.drain()
    assert (await served.http.get("/health/ready")).status_code == 503
    assert (await served.http.get("/health/balancer")).status_code == 404
    assert (await served.http.get("/health")).status_code == 200


PROMETHEUS = {"Authorization": "Bearer a token for numbers"}


async def metrics_from(served: Served, address: str, **headers: str) -> int:
    """Return the status of /metrics for somebody who comes from this address."""
    transport = httpx2.ASGITransport(served.app, client=(address, 50_000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://house") as http:
        return (await http.get("/metrics", headers=headers)).status_code


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1"])
async def test_without_a_token_numbers_are_shown_on_this_machine(served: Served, address: str):
    assert await metrics_from(served, address) == 200


@pytest.mark.parametrize("address", ["10.0.0.7", "203.0.113.9", "2001:db8::1", "testclient"])
async def test_without_a_token_numbers_are_kept_from_others(served: Served, address: str):
    assert await metrics_from(served, address) == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_who_comes_through_a_proxy_of_this_machine_is_not_on_it(served: Served, header: str):
    assert await metrics_from(served, "127.0.0.1", **{header: "127.0.0.1"}) == 403


async def test_with_a_token_numbers_are_for_who_brings_it(database: str):
    async with served_house(database, metrics_token="a token for numbers") as served:
        assert await metrics_from(served, "203.0.113.9", **PROMETHEUS) == 200
        assert await metrics_from(served, "127.0.0.1") == 401
        assert await metrics_from(served, "127.0.0.1", Authorization="Bearer a token for number") == 401
        assert await metrics_from(served, "127.0.0.1", Authorization="Basic a token for numbers") == 401
        assert (await served.http.get("/api/metrics", headers=PROMETHEUS)).status_code == 200


async def test_calls_are_counted_by_what_became_of_them(served: Served):
    await served.http.get("/sites", headers=await served.admin())
    await served.http.post("/rpc/no.such", headers=await served.sign_up())
    page = (await served.http.get("/metrics")).text
    assert 'gatehouse_calls_total{operation="sites.list_sites",outcome="ok"} 1.0' in page
    assert "no.such" not in page
    assert 'gatehouse_call_seconds_count{operation="sites.list_sites"} 1.0' in page
