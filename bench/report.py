"""How results are told: a table for people, goals in words, and a last line for programs."""

from collections.abc import Mapping, Sequence

import msgspec


class Goal(msgspec.Struct, frozen=True):
    """A figure and its limit: an upper one, or with ``at_least`` a lower one."""

    value: float
    limit: float
    meaning: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def words(self, name: str) -> str:
        """Return one line that tells by how much a goal is met or missed."""
        bound = "at least" if self.at_least else "at most"
        return f"{name}: {self.meaning}: {_figure(self.value)}, {bound} {self.limit:,g}: {self._verdict()}"

    def _verdict(self) -> str:
        if self.met:
            return "met"
        if not self.limit or not self.value:
            return "missed"
        factor = self.limit / self.value if self.at_least else self.value / self.limit
        return f"missed by a factor of {factor:.2f}" if factor < 10 else f"missed by a factor of {factor:.0f}"


def _figure(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.0f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return columns under their names, the first to the left, the others to the right."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    lines = [
        "  ".join(
            text.ljust(width) if place == 0 else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, ["-" * width for width in widths], *rows)
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent do not exceed; infinite where there are none."""
    if not ordered:
        return float("inf")
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * int(percent) // 100) - 1))]


def line_of_json(name: str, goals: Mapping[str, Goal]) -> str:
    """Return the last line."""
    told = {
        key: {"value": round(goal.value, 2), "limit": goal.limit, "met": goal.met}
        for key, goal in goals.items()
    }
    return msgspec.json.encode({"name": name, "goals": told}).decode()
