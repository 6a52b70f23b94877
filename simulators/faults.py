"""What goes wrong at gates, as a fleet file tells it, and when: pure, for one file always the same.

Seconds are those of the script: the plan's `speed` of them pass in one. A fault without `gates` happens to all.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

DAY_S = 86_400
YEAR_S = 366 * DAY_S
Moment = Annotated[float, Meta(ge=0, le=30 * DAY_S)]
Span = Annotated[float, Meta(gt=0, le=30 * DAY_S)]
Share = Annotated[float, Meta(ge=0, le=1)]


class BadFault(Exception):
    """A fault of the plan cannot be played; the message names the field."""


def _tag(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class _Fault(
    Struct, frozen=True, kw_only=True, rename="camel", tag_field="kind", tag=_tag, forbid_unknown_fields=True
):
    at_s: Moment
    gates: tuple[int, ...] = ()


class PowerCut(_Fault, frozen=True):
    """The power goes in the middle of a write, of single gates or (kill -9) of the processes that have them."""

    dark_s: Span = 1.0
    of: Literal["gate", "process"] = "gate"


class Offline(_Fault, frozen=True):
    """No link for so long; clock and journal of the gate show all of it, ending now."""

    lasts_s: Span = DAY_S


class WrongClock(_Fault, frozen=True):
    """The clock is wrong by so much until it is set right: a year, or the hour of daylight saving."""

    by_s: Annotated[int, Meta(ge=-2 * YEAR_S, le=2 * YEAR_S)]
    lasts_s: Span


class DuplicateId(_Fault, frozen=True):
    """A second device has the same account: they throw each other out."""

    lasts_s: Span


class Clone(_Fault, frozen=True):
    """A second gate has the same account and a copy of the journal, is switched on so often, and goes on from there.

    By then the copy is `age_s` old.
    """

    lasts_s: Span
    age_s: Annotated[float, Meta(ge=0, le=30 * DAY_S)] = 0.0
    starts: Annotated[int, Meta(ge=1, le=100)] = 3


class FactoryReset(_Fault, frozen=True):
    """The journal is gone, and a new one begins with another epoch."""


class Flapping(_Fault, frozen=True):
    """The link is cut again and again."""

    lasts_s: Span
    every_s: Span


class HalfOpen(_Fault, frozen=True):
    """The connection there is carries nothing any more, and nobody is told; a new one would."""


class Poison(_Fault, frozen=True):
    """Every kind of message that cannot be read, on every leg."""


class LateWill(_Fault, frozen=True):
    """The broker publishes the death of an older connection after the gate's rebirth."""


class StaleCommand(_Fault, frozen=True):
    """The last command the gate was given comes again."""


class Crowd(_Fault, frozen=True):
    """A stadium's hour: people at every gate, some of them refused until they give up.

    11 a minute is what safe stadiums plan for one turnstile.
    """

    lasts_s: Span = 3600
    per_minute: Annotated[float, Meta(gt=0, le=600)] = 11
    refused: Share = 0.05
    retries: Annotated[int, Meta(ge=0, le=10)] = 2


class DoubleUse(_Fault, frozen=True):
    """Two gates without a link are shown the same pass."""

    token: Annotated[str, Meta(min_length=1, max_length=512)]
    lasts_s: Span = 10.0


Fault = (
    PowerCut
    | Offline
    | WrongClock
    | DuplicateId
    | Clone
    | FactoryReset
    | Flapping
    | HalfOpen
    | Poison
    | LateWill
    | StaleCommand
    | Crowd
    | DoubleUse
)
Doing = Literal["begin", "again", "end"]
ON_THE_WIRE = PowerCut | Offline | Flapping | HalfOpen | DoubleUse
"""What happens between gate and broker: such gates speak through a cable."""


class Act(Struct, frozen=True, order=True):
    """Something that begins, happens again or ends at one gate."""

    at_s: float
    fault: int
    """Index in the plan."""
    gate_id: int
    doing: Doing


def schedule(faults: Sequence[Fault], gate_ids: Collection[int]) -> list[Act]:
    """Returns what happens to these gates, in order."""
    return sorted(
        Act(at_s, number, gate_id, doing)
        for number, fault in enumerate(faults)
        for gate_id in _struck(fault, gate_ids)
        for at_s, doing in _moments(fault)
    )


def needs_cable(faults: Sequence[Fault], gate_id: int) -> bool:
    """Returns whether something happens to the wire of a gate."""
    return any(_by_wire(fault) and gate_id in (fault.gates or (gate_id,)) for fault in faults)


def process_cuts(faults: Sequence[Fault]) -> list[PowerCut]:
    """Returns what only a parent can do to its children."""
    return [fault for fault in faults if isinstance(fault, PowerCut) and fault.of == "process"]


def check(faults: Sequence[Fault], gate_ids: Collection[int], *, encrypted: bool) -> None:
    """Looks whether the faults can be played.

    Raises:
        BadFault: and which field is wrong.
    """
    for number, fault in enumerate(faults):
        strangers = [gate_id for gate_id in fault.gates if gate_id not in gate_ids]
        if strangers:
            raise BadFault(f"there is no gate {strangers[0]} - at `$.faults[{number}].gates`")
        if isinstance(fault, DoubleUse) and len(set(fault.gates)) != 2:
            raise BadFault(f"needs two gates - at `$.faults[{number}].gates`")
        if isinstance(fault, WrongClock) and fault.by_s == 0:
            raise BadFault(f"must not be 0 - at `$.faults[{number}].byS`")
        if isinstance(fault, Flapping) and fault.every_s > fault.lasts_s:
            raise BadFault(f"must not be longer than lastsS - at `$.faults[{number}].everyS`")
        if encrypted and _by_wire(fault):
            raise BadFault(f"can be played on an mqtt:// broker only - at `$.faults[{number}].kind`")


def _by_wire(fault: Fault) -> bool:
    return isinstance(fault, ON_THE_WIRE) and not (isinstance(fault, PowerCut) and fault.of == "process")


def _struck(fault: Fault, gate_ids: Collection[int]) -> Collection[int]:
    return [gate_id for gate_id in fault.gates if gate_id in gate_ids] if fault.gates else gate_ids


def _moments(fault: Fault) -> Iterator[tuple[float, Doing]]:
    yield fault.at_s, "begin"
    match fault:
        case Flapping():
            for turn in range(1, int(fault.lasts_s / fault.every_s)):
                yield fault.at_s + turn * fault.every_s, "again"
        case Clone():
            yield fault.at_s + fault.age_s + fault.lasts_s, "end"
        case Offline() | WrongClock() | DuplicateId() | Crowd() | DoubleUse():
            yield fault.at_s + fault.lasts_s, "end"
        case _:
            pass
