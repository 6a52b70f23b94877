"""What the benchmark `fanout` has found out."""

from dataclasses import dataclass, field
from statistics import median

from bench.fanout.load import Told
from bench.fanout.subject import Subject

BURST = 8
FLOOR, BEST_PEER = "C send()", "Bun"
OURS, OURS_PLAIN = "Gatehouse, io_uring", "Gatehouse, plain"


@dataclass
class Measured:
    """Everything, by its kind."""

    subjects: list[Subject] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    """Which peers are not among them, and why."""
    handshake_us: float = 0.0
    storm: Told | None = None
    storm_us: float = 0.0
    echo: list[tuple[tuple[float, float], tuple[float, float]]] = field(default_factory=list)
    """p50 and p99 in µs of Redis alone and of ours, round by round."""
    growth_us: dict[int, float] = field(default_factory=dict)
    growth_hubs: int = 0

    def has(self, name: str) -> bool:
        """Tell whether a server took part."""
        return any(one.name == name for one in self.subjects)

    def joined(self, name: str) -> Subject:
        """Return a server that took part."""
        return next(one for one in self.subjects if one.name == name)

    def delivery_us(self, name: str, burst: int) -> float:
        """Return the CPU per delivery of a server, the median of the rounds."""
        return median(self.joined(name).delivery_us[burst])
