"""The numbers of a process, in the words of Prometheus."""

from prometheus_client.parser import text_string_to_metric_families

from server.metrics import Metrics


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(metrics.page().decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_calls_are_counted_and_timed():
    metrics = Metrics()
    for _ in range(3):
        metrics.call("sites.get_site", "ok", 0.003)
    metrics.call("sites.get_site", "not_found", 0.003)
    found = samples(metrics)
    assert found["gatehouse_calls_total", "sites.get_site", "ok"] == 3
    assert found["gatehouse_calls_total", "sites.get_site", "not_found"] == 1
    assert found["gatehouse_call_seconds_count", "sites.get_site"] == 4


def test_sockets_are_counted_when_somebody_looks():
    metrics, sockets = Metrics(), [1, 2]
    metrics.watch("connections", "Open sockets.", lambda: len(sockets))
    assert samples(metrics)[("gatehouse_connections",)] == 2
    sockets.clear()
    assert samples(metrics)[("gatehouse_connections",)] == 0


def test_two_processes_in_one_interpreter_count_apart():
    one, other = Metrics(), Metrics()
    one.published()
    assert samples(one)["gatehouse_publications_total", "ok"] == 1
    assert samples(other)["gatehouse_publications_total", "ok"] == 0
