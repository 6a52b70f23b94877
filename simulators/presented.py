"""What becomes of a pass that is shown at a gate."""

from msgspec import Struct

from domain.access.rules.reasons import Reason, words
from gate_bridge import wire


class Presented(Struct, frozen=True, kw_only=True, rename="camel"):
    """What happened to a person who showed a pass."""

    gate_id: int
    verdict: wire.Result
    reason: str
    text: str
    action: str
    passed: bool
    source: str
    """Who decided: the server (online) or the gate (offline)."""
    request_id: str
    seq: int
    """The number of the decision in the gate's journal."""
    milliseconds: float


def presented(gate_id: int, decided: wire.Event, *, passed: bool, took_s: float) -> Presented:
    """Returns what a person is told, from what the gate wrote down."""
    reason = decided.reason or Reason.INTERNAL
    told = words(Reason(reason) if reason in list(Reason) else Reason.INTERNAL)
    return Presented(
        gate_id=gate_id,
        verdict=decided.result or "deny",
        reason=reason,
        text=told.text,
        action=told.action,
        passed=passed,
        source=decided.source,
        request_id=decided.request_id or "",
        seq=decided.seq,
        milliseconds=round(took_s * 1000, 1),
    )
