"""What gates say: that they are there, how they are, whom they should let in, and what happened."""

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct, field

from gate_bridge.wire.fields import (
    AlarmKind,
    Code,
    Count,
    Direction,
    Epoch,
    Extra,
    Hash,
    Id,
    Kind,
    Limited,
    Mode,
    Moment,
    RequestId,
    Result,
    Salt,
    Text,
)
from gate_bridge.wire.malformed import Malformed


class JournalRange(Struct, frozen=True):
    """The first and last event a gate still keeps; 0 and 0 = none."""

    low: Count = field(name="lo")
    high: Count = field(name="hi")


class Birth(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="s", tag="online"):
    """A gate came up. Its will names the same `session`: a death of another session is of an older connection."""

    epoch: Epoch = field(name="e")
    session: Count = field(name="b")
    journal: JournalRange = field(name="j")
    clock_ms: Count = field(name="clk")
    firmware: Text = field(name="fw", default="")
    hardware: Text = field(name="hw", default="")
    capabilities: Annotated[tuple[Text, ...], Meta(max_length=32)] = field(name="caps", default=())
    directions: Annotated[tuple[Direction, ...], Meta(max_length=2)] = field(name="dir", default=())
    list_revision: Count = field(name="al", default=0)
    config_revision: Count = field(name="cfg", default=0)
    mode: Text = "normal"
    time_zone: Text = field(name="tz", default="")


class Death(Struct, frozen=True, kw_only=True, tag_field="s", tag="offline"):
    """A gate is gone: its will, or its farewell before a clean disconnect."""

    epoch: Epoch = field(name="e")
    session: Count = field(name="b")


class Reported(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a gate has taken over of what was desired of it."""

    mode: Mode = "normal"
    revision: Count = field(name="rev", default=0)
    list_revision: Count = field(name="al", default=0)


class Heartbeat(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a gate is, every ten seconds."""

    epoch: Epoch = field(name="e")
    session: Count = field(name="b")
    last_seq: Count = field(name="hi")
    acknowledged_seq: Count = field(name="ak")
    queue_depth: Count = field(name="q")
    uptime_s: Count = field(name="up", default=0)
    rssi: Limited | None = None
    temperature: float | None = field(name="temp", default=None)
    battery: Annotated[int, Meta(ge=0, le=100)] | None = field(name="batt", default=None)
    power: Literal["mains", "battery"] | None = field(name="psu", default=None)
    clock_offset_ms: Limited | None = field(name="off", default=None)
    reported: Reported | None = field(name="rep", default=None)


class Scan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A gate asks whether to open. A retry is the same question with a higher `attempt`."""

    epoch: Epoch = field(name="e")
    request_id: RequestId = field(name="rid")
    method: Literal["qr", "nfc", "pin", "plate"] = field(name="m")
    token: Annotated[str, Meta(max_length=512)] = field(name="tok")
    direction: Direction = field(name="d")
    at_ms: Count = field(name="t")
    expires_ms: Count = field(name="exp")
    """Nobody waits for an answer after this, by the gate's clock."""
    attempt: Annotated[int, Meta(ge=1, le=9)] = field(name="try", default=1)
    zone_id: Id | None = field(name="z", default=None)


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something that happened at a gate: one line of its journal, kept there until acknowledged."""

    epoch: Epoch = field(name="e")
    seq: Id = field(name="s")
    at_ms: Moment = field(name="t")
    clock: Literal["ok", "unsure"] = field(name="tq")
    kind: Kind = field(name="k")
    source: Literal["online", "offline"] = field(name="src")
    request_id: RequestId | None = field(name="rid", default=None)
    decision_id: Text | None = field(name="id", default=None)
    pass_id: Id | None = field(name="p", default=None)
    salt: Salt | None = field(name="ps", default=None)
    direction: Direction | None = field(name="d", default=None)
    zone_id: Id | None = field(name="z", default=None)
    reason: Code | None = field(name="c", default=None)
    result: Result | None = field(name="r", default=None)
    extra: Extra = field(name="x", default_factory=dict)
    """Details of the kind, never of a person: they stay when a person is erased."""
    previous_hash: Hash = field(name="ph")
    hash: Hash = field(name="h")

    def __post_init__(self) -> None:
        if self.pass_id is not None and self.salt is None:
            raise ValueError("Object missing required field `ps` beside `p`")
        if self.kind == "decision" and self.result is None:
            raise ValueError("Object missing required field `r` of a decision")


class Batch(Struct, frozen=True, kw_only=True):
    """Events sent late or again in one message: they tell of the past and must not disturb what is live."""

    epoch: str
    events: tuple[Event, ...]
    said: tuple[Raw, ...] = ()
    """Each of them as it came, where it came from a gate."""
    malformed: tuple[Malformed, ...] = ()
    """Members that cannot be read; the others count all the same."""


class Outcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a command."""

    epoch: Epoch = field(name="e")
    command_id: RequestId = field(name="cid")
    done: bool = field(name="ok")
    reason: Code = field(name="c", default="ok")
    at_ms: Count = field(name="t")


class Condition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An alarm that is not over."""

    kind: AlarmKind = field(name="k")
    since_ms: Moment = field(name="since")
    seq: Count = field(name="s", default=0)
    """The number of the `alarm_on` that told its beginning; 0 = none did."""


class Conditions(Struct, frozen=True):
    """All alarms of a gate that are not over, each kind once. Retained: whoever comes later knows them too."""

    current: tuple[Condition, ...]
