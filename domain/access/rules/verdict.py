"""What a decision answers, with the way it was reached."""

from typing import Literal

from msgspec import Struct

from domain.access.rules.reasons import Reason

Outcome = Literal["pass", "deny", "waived", "skipped"]
Waiver = Literal["exit", "free", "open", "soft"]
Inputs = dict[str, bool | int | float | str | None]


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule's say: what it looked at and what it found."""

    rule: str
    inputs: Inputs
    verdict: Outcome
    """`waived`: it would have refused, and `waiver` tells why that did not count; `skipped`: nothing to look at."""
    reason: Reason | None = None
    waiver: Waiver | None = None


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether the gate opens, why, and the trace of every rule that was asked, in order."""

    admit: bool
    reason: Reason
    trace: tuple[Step, ...]

    @property
    def waived(self) -> tuple[Reason, ...]:
        """Refusals that did not count, for the guard to see (a revoked pass that walked out)."""
        return tuple(
            step.reason for step in self.trace if step.verdict == "waived" and step.reason is not None
        )
