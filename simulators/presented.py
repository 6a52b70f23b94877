"""What becomes of a pass that is shown at a gate."""

from msgspec import Struct

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
