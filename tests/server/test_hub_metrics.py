"""What Prometheus reads of a hub."""

from prometheus_client.parser import text_string_to_metric_families

from channels.protocol.codes import DisconnectCode, ErrorCode
from server.hub_metrics import HubMetrics
from server.hub_numbers import HubNumbers
from server.metrics import Metrics
from tests.eventually import eventually
from tests.sdk import Seen, connected
from tests.served import Served


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(metrics.page().decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_prometheus_sees_what_the_hub_has_counted_at_that_moment():
    metrics, numbers = Metrics(), HubNumbers()
    metrics.register(HubMetrics(lambda: numbers))
    assert samples(metrics)["gatehouse_hub_deliveries_total",] == 0
    numbers.enter("json")
    numbers.deliveries += 1000
    numbers.command("subscribe", ErrorCode.PERMISSION_DENIED)
    numbers.close(DisconnectCode.SLOW)
    numbers.close()
    numbers.recover(False)
    numbers.drop("oldest", 7)
    numbers.refuse("draining")
    found = samples(metrics)
    assert found["gatehouse_hub_connections", "json"] == 1
    assert found["gatehouse_hub_deliveries_total",] == 1000
    assert found["gatehouse_hub_commands_total", "subscribe", "permission_denied"] == 1
    assert found["gatehouse_hub_disconnects_total", "3008"] == 1
    assert found["gatehouse_hub_disconnects_total", "client"] == 1
    assert found["gatehouse_hub_recoveries_total", "miss"] == 1
    assert found["gatehouse_hub_dropped_total", "oldest"] == 7
    assert found["gatehouse_hub_refused_handshakes_total", "draining"] == 1


def test_latency_is_a_histogram_that_adds_up():
    metrics, numbers = Metrics(), HubNumbers()
    metrics.register(HubMetrics(lambda: numbers))
    for seconds in (0.0004, 0.003, 0.003, 30.0):
        numbers.delivered(seconds)
    found = samples(metrics)
    assert found["gatehouse_hub_delivery_seconds_bucket", "0.0005"] == 1
    assert found["gatehouse_hub_delivery_seconds_bucket", "0.005"] == 3
    assert found["gatehouse_hub_delivery_seconds_bucket", "5.0"] == 3
    assert found["gatehouse_hub_delivery_seconds_bucket", "+Inf"] == 4
    assert found["gatehouse_hub_delivery_seconds_count",] == 4
    assert round(found["gatehouse_hub_delivery_seconds_sum",], 4) == 30.0064


async def test_what_clients_do_is_counted_on_the_way(served: Served):
    admin, seen = await served.admin(), Seen()
    site = (await served.http.post("/sites", json={"name": "Harbour"}, headers=admin)).json()
    channel = f"occupancy:{site['siteId']}"
    async with connected(served, admin, Seen()) as client, connected(served, admin, seen) as other:
        for one in (client, other):
            subscription = one.new_subscription(channel, events=seen)
            await subscription.subscribe()
            await subscription.ready(timeout=5)
        before = samples(served.process.metrics)
        made = await served.http.post(f"/zones?siteId={site['siteId']}", json={"name": "Hall"}, headers=admin)
        assert made.status_code == 201
        await eventually(lambda: len([one for one in seen.views if one and one["items"]]) == 2)
        found = samples(served.process.metrics)

    def grown(*name: str) -> float:
        return found[name] - before[name]

    assert grown("gatehouse_hub_publications_total") >= 1
    assert grown("gatehouse_hub_deliveries_total") == 2
    assert grown("gatehouse_hub_delivery_seconds_count") == 1
    assert found["gatehouse_hub_connections", "json"] == 2
    assert found["gatehouse_hub_commands_total", "connect", "ok"] == 2
    assert found["gatehouse_hub_commands_total", "subscribe", "ok"] == 2
    # Each follows its own channel from the start too.
    assert found["gatehouse_hub_subscriptions",] == 4 and found["gatehouse_hub_channels",] == 2

    def gone() -> None:
        after = samples(served.process.metrics)
        assert after.get(("gatehouse_hub_disconnects_total", "client")) == 2
        assert after["gatehouse_hub_connections", "json"] == 0 and after["gatehouse_hub_subscriptions",] == 0

    await eventually(gone)
