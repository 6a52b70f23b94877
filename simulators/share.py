"""Which gates of a fleet a process has: the same ones however the file changes, as long as it is spread as before."""

from collections.abc import Iterable
from zlib import crc32

from msgspec import Struct

from simulators.plan import GatePlan


class Share(Struct, frozen=True):
    """One of so many parts, numbered from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, gate_id: int) -> bool:
        """Returns whether a gate is of this part."""
        return crc32(str(gate_id).encode()) % self.of == self.number - 1

    def gates(self, gates: Iterable[GatePlan]) -> tuple[GatePlan, ...]:
        """Returns those of this part."""
        return tuple(gate for gate in gates if self.holds(gate.gate_id))

    def door(self, control: str) -> str:
        """Returns the name of this part's own door, beside that of the whole fleet."""
        return f"{control}.{self.number}"


def share(text: str) -> Share:
    """Reads `2/5`.

    Raises:
        ValueError: it is no share.
    """
    number, _, of = text.partition("/")
    if not 1 <= int(number) <= int(of or 0):
        raise ValueError(f"{text} is no share of a fleet")
    return Share(int(number), int(of))
