"""What is wrong at a gate right now: said as a whole, retained, when it changes and when the gate comes back."""

from typing import get_args

from gate_bridge import wire

KINDS: tuple[wire.AlarmKind, ...] = get_args(wire.AlarmKind)


class Conditions:
    """One gate's alarms that are not over; sensors are read afresh after a power cut, so they are kept nowhere."""

    def __init__(self) -> None:
        self._current: dict[str, wire.Condition] = {}

    @property
    def said(self) -> wire.Conditions:
        """What there is to say."""
        return wire.Conditions(tuple(self._current.values()))

    def took_place(self, event: wire.Event) -> bool:
        """Takes an `alarm_on` or `alarm_off` in; returns whether there is something new to say."""
        kind = next((one for one in KINDS if one == event.extra.get("alarm")), None)
        if kind is None:
            return False
        if event.kind == "alarm_off":
            return self._current.pop(kind, None) is not None
        condition = wire.Condition(kind=kind, since_ms=event.at_ms, seq=event.seq)
        return self._current.setdefault(kind, condition) is condition
