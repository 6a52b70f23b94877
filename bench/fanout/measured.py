"""What the benchmark `fanout` has found out."""

from dataclasses import dataclass, field
from math import inf
from statistics import median

from bench.fanout.storm import Storm
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
    """CPU of the upgrade alone."""
    own_idle_bytes: float = 0.0
    """Where one of three channels is followed by nobody else, as the next."""
    own_join_us: float = 0.0
    people_us: float = inf
    """CPU of letting one of our own people in."""
    storm: Storm | None = None
    echo: list[tuple[tuple[float, float], tuple[float, float]]] = field(default_factory=list)
    """p50 and p99 in µs of Redis alone and of ours, round by round."""

    def has(self, name: str) -> bool:
        """Tell whether a server took part."""
        return any(one.name == name for one in self.subjects)

    def joined(self, name: str) -> Subject:
        """Return a server that took part."""
        return next(one for one in self.subjects if one.name == name)

    def delivery_us(self, name: str, burst: int) -> float:
        """Return the CPU per delivery of a server, the median of the rounds."""
        return median(self.joined(name).delivery_us[burst])
