"""The numbers of a hub in the words of Prometheus, put into them only when somebody asks."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from server.hub_numbers import APPLICATION, BY_CLIENT, LATENCIES_S, HubNumbers

CODES: Final = {BY_CLIENT: "client", APPLICATION: "application"}


class HubMetrics(Collector):
    """Shows Prometheus what ``look`` finds; register it once per process."""

    def __init__(self, look: Callable[[], HubNumbers]) -> None:
        self._look = look

    def collect(self) -> Iterable[Metric]:
        """Return every family, from one look."""
        numbers = self._look()
        yield from _gauges(numbers)
        yield from _counters(numbers)
        yield _latency(numbers)

    def describe(self) -> Iterable[Metric]:
        """Name the families, so that none of them is registered twice."""
        return self.collect()


def _gauges(hub: HubNumbers) -> Iterator[Metric]:
    yield _gauge("connections", "Open sockets, by codec.", "codec", hub.connections)
    for name, meaning, value in (
        ("subscriptions", "Channels followed now, counted once per socket.", hub.subscriptions),
        ("channels", "Channels followed by anybody here now.", hub.channels),
        ("clogged", "Sockets whose client does not take what is written, now.", hub.clogged),
        ("calls_running", "Procedures running now.", hub.calls),
        ("draining", "1 while clients are sent to other hubs.", hub.draining),
    ):
        yield GaugeMetricFamily(f"gatehouse_hub_{name}", meaning, value)


def _counters(hub: HubNumbers) -> Iterator[Metric]:
    for name, meaning, value in (
        ("publications", "Publications, joins and leaves taken from the broker.", hub.publications),
        ("deliveries", "Messages handed to sockets, one per follower.", hub.deliveries),
        ("signals", "Ephemeral publications of clients.", hub.signals),
        ("unheard", "Messages that want no answer and were not carried out.", hub.unheard),
        ("broker_outages", "How often the broker may have lost deliveries.", hub.outages),
    ):
        yield CounterMetricFamily(f"gatehouse_hub_{name}", meaning, value)
    closed = {CODES.get(code, str(code)): count for code, count in hub.closed.items()}
    recoveries = {"hit": hub.recovered, "miss": hub.unrecovered}
    resyncs = {"ok": hub.resyncs, "failed": hub.failed_resyncs}
    yield _counter("recoveries", "Subscriptions that asked to go on where they were.", "outcome", recoveries)
    yield _counter("resyncs", "Channels caught up after an outage, or not yet.", "outcome", resyncs)
    yield _counter("dropped", "Publications not sent to slow clients, by policy.", "policy", hub.dropped)
    yield _counter("disconnects", "Ended sockets, by close code.", "code", closed)
    yield _counter("refused_handshakes", "Upgrades that were refused, by reason.", "reason", hub.refused)
    yield _commands(hub)


def _commands(hub: HubNumbers) -> Metric:
    labels = ["method", "outcome"]
    family = CounterMetricFamily("gatehouse_hub_commands", "Commands of clients, by outcome.", labels=labels)
    for method, outcomes in hub.commands.items():
        for outcome, count in outcomes.items():
            family.add_metric([method, outcome], count)
    return family


def _latency(hub: HubNumbers) -> Metric:
    bounds = [*map(str, LATENCIES_S), "+Inf"]
    buckets = [(bound, float(count)) for bound, count in zip(bounds, accumulate(hub.latencies), strict=True)]
    return HistogramMetricFamily(
        "gatehouse_hub_delivery_seconds",
        "From being published to being written to followers, once per publication.",
        buckets=buckets,
        sum_value=hub.latency_s,
    )


def _gauge(name: str, meaning: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(f"gatehouse_hub_{name}", meaning, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counter(name: str, meaning: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"gatehouse_hub_{name}", meaning, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
