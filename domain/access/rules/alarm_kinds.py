"""What alarms there are: what gates sense themselves, and what the server finds. No gate's word is about the latter."""

from typing import Any, Literal, get_args

Sensed = Literal["held_open", "forced", "tamper", "fire", "jam", "psu", "tailgate"]
Found = Literal[
    "battery",
    "clock",
    "contradiction",
    "denying",
    "double_use",
    "gap",
    "gate_lost",
    "silent",
    "watch_list",
]
AlarmKind = Literal[Sensed, Found, "unnamed"]
"""`unnamed` is an alarm of a gate that does not say which, or says one that there is not."""

SENSED: tuple[Sensed, ...] = get_args(Sensed)
ALARM_KINDS: tuple[AlarmKind, ...] = get_args(AlarmKind)


def sensed(said: Any) -> AlarmKind:  # Any: whatever stands in an event's details
    """Return which alarm a gate speaks of."""
    return next((kind for kind in SENSED if kind == said), "unnamed")
