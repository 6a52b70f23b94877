"""What the process counts about itself, in the words of Prometheus."""

from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Every number of one process; one registry each, so that several live in one interpreter."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._calls = Counter(
            "gatehouse_calls", "Calls of operations.", ["operation", "outcome"], registry=self.registry
        )
        self._durations = Histogram(
            "gatehouse_call_seconds",
            "How long calls took.",
            ["operation"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._publications = Counter(
            "gatehouse_publications", "Publications by outcome.", ["outcome"], registry=self.registry
        )
        self._repaired = Counter(
            "gatehouse_repaired_facts", "Facts published by the repair.", registry=self.registry
        )
        self.published = self._publications.labels("ok").inc
        self.failed_to_publish = self._publications.labels("failed").inc
        self.repaired = self._repaired.inc
        # Finding a child by its labels costs more than counting, so each is found once.
        self._counted: dict[tuple[str, str], Callable[[], None]] = {}
        self._timed: dict[str, Callable[[float], None]] = {}
        self._gauges: dict[str, Gauge] = {}

    def call(self, operation: str, outcome: str, seconds: float) -> None:
        """Count one call; both names come from closed sets."""
        count = self._counted.get((operation, outcome))
        if count is None:
            count = self._counted[operation, outcome] = self._calls.labels(operation, outcome).inc
        observe = self._timed.get(operation)
        if observe is None:
            observe = self._timed[operation] = self._durations.labels(operation).observe
        count()
        observe(seconds)

    def watch(self, name: str, meaning: str, ask: Callable[[], float], **labels: str) -> None:
        """Show ``gatehouse_<name>``, once for each value of its labels; ``ask`` is asked whenever somebody looks."""
        gauge = self._gauges.get(name)
        if gauge is None:
            gauge = Gauge(f"gatehouse_{name}", meaning, list(labels), registry=self.registry)
            self._gauges[name] = gauge
        (gauge.labels(**labels) if labels else gauge).set_function(ask)

    def register(self, collector: Collector) -> None:
        """Show also what ``collector`` gathers whenever somebody looks."""
        self.registry.register(collector)

    def page(self) -> bytes:
        """Return the page that Prometheus reads."""
        return generate_latest(self.registry)
