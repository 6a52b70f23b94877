"""What gates and the bridge say to each other: topics and payloads of version 1, parsed and written without I/O.

Topics are `gh/1/{site}/{gate}/{leg}`; ids are integers as text. Payloads are JSON objects with short keys, at
home on MQTT 3.1.1: request ids, epochs and expiry travel in the payload. A reader ignores members it does not
know, and takes a member that is null for one that is absent.

The hash chain of a gate:

1. The canonical form of an event is its JSON with the keys sorted, without white space, in UTF-8, without the
   members `ph`, `h`, `p`, `ps`, without members that are absent, null or an empty object; and where there is
   `p`, with `pd` = hex(SHA-256(bytes of `ps` + decimal digits of `p`)). There are no fractions in it; strings
   are escaped as `JSON.stringify` does.
2. `h` = hex(SHA-256(bytes of `ph` + canonical form)); `ph` is the `h` of the event before, 64 zeros at first.
3. `ps` is a fresh random salt for each event. Whoever keeps the canonical form with `ph`, and `p` with `ps`
   apart from it, may erase the person and still verify the chain.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import replace

GENESIS = "0" * 64
"""The `ph` of a journal's first event."""
MAX_BATCH_EVENTS = 200
MAX_BATCH_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 8 * 1024

Leg = Literal["up/state", "up/hb", "up/scan", "up/evt", "up/batch", "dn/dec", "dn/ack", "dn/want"]
QOS: dict[Leg, Literal[0, 1]] = {leg: 0 if leg in ("up/hb", "dn/ack") else 1 for leg in get_args(Leg)}
RETAINED: frozenset[Leg] = frozenset({"up/state"})

# JavaScript firmware counts exactly up to here.
_LARGEST = 2**53 - 1
Count = Annotated[int, Meta(ge=0, le=_LARGEST)]
Id = Annotated[int, Meta(ge=1, le=_LARGEST)]
Moment = Annotated[int, Meta(ge=0, le=32_503_679_999_999)]  # a clock in the year 3000 is broken
Epoch = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
RequestId = Annotated[str, Meta(pattern=r"^[0-9a-f]{8,32}\Z")]
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Salt = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Code = Annotated[str, Meta(pattern=r"^[a-z_]{1,32}\Z")]
Text = Annotated[str, Meta(max_length=64)]
Range = tuple[Id, Id]
Ranges = Annotated[tuple[Range, ...], Meta(max_length=100)]
Direction = Literal["in", "out"]
Result = Literal["admit", "deny"]
Happening = Literal["decision", "passage", "no_passage", "alarm_on", "alarm_off"]
Kind = Happening | Literal["mode", "cmd", "boot", "clock_step", "journal_lost"]
_ExtraName = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,32}\Z")]
_Limited = Annotated[int, Meta(ge=-_LARGEST, le=_LARGEST)]
Extra = Annotated[
    dict[_ExtraName, _Limited | bool | Annotated[str, Meta(max_length=256)] | None], Meta(max_length=16)
]


class Malformed(Exception):
    """A message, or one event of a batch, that cannot be read: what a row of the quarantine says.

    `event` is the (epoch, seq) it claims, where that much could be read: the watermark steps over it.
    """

    def __init__(self, topic: str, field: str, reason: str, event: tuple[str, int] | None = None) -> None:
        super().__init__(topic, field, reason, event)
        self.topic, self.field, self.reason, self.event = topic, field, reason, event

    def __str__(self) -> str:
        return f"{self.topic}: {self.field}: {self.reason}"


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

    mode: Text = "normal"
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
    rssi: _Limited | None = None
    temperature: float | None = field(name="temp", default=None)
    battery: Annotated[int, Meta(ge=0, le=100)] | None = field(name="batt", default=None)
    power: Literal["mains", "battery"] | None = field(name="psu", default=None)
    clock_offset_ms: _Limited | None = field(name="off", default=None)
    reported: Reported | None = field(name="rep", default=None)


class Scan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A gate asks whether to open. A retry is the same question with a higher `attempt`."""

    epoch: Epoch = field(name="e")
    request_id: RequestId = field(name="rid")
    method: Literal["qr", "nfc", "pin"] = field(name="m")
    token: Annotated[str, Meta(max_length=512)] = field(name="tok")
    direction: Direction = field(name="d")
    at_ms: Count = field(name="t")
    expires_ms: Count = field(name="exp")
    """Nobody waits for an answer after this, by the gate's clock."""
    attempt: Annotated[int, Meta(ge=1, le=9)] = field(name="try", default=1)
    zone_id: Id | None = field(name="z", default=None)


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a scan. A gate that no longer waits for `request_id` must not open."""

    request_id: RequestId = field(name="rid")
    result: Result = field(name="r")
    reason: Code = field(name="c")
    decision_id: Text = field(name="id", default="")
    open_ms: Annotated[int, Meta(ge=0, le=60_000)] = field(name="ttl", default=0)
    message: Annotated[str, Meta(max_length=128)] = field(name="msg", default="")
    initials: Annotated[str, Meta(max_length=8)] = field(name="n", default="")
    pass_id: Id | None = field(name="p", default=None)
    """Whom the events of this passage shall name, for gates that cannot read passes."""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
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
    malformed: tuple[Malformed, ...] = ()
    """Members that cannot be read; the others count all the same."""


class Acknowledgement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All events up to and with `up_to` are committed: the gate may forget them."""

    epoch: Epoch = field(name="e")
    up_to: Count = field(name="u")
    at_ms: Count = field(name="t")
    missing: Ranges = field(name="gap", default=())


class Want(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The server asks for events again, both ends of a range included, or (`rebirth` 1) for a birth."""

    epoch: Epoch = field(name="e")
    ranges: Ranges = field(name="w", default=())
    rebirth: Literal[0, 1] = field(name="full", default=0)


Message = Birth | Death | Heartbeat | Scan | Decision | Event | Batch | Acknowledgement | Want


class Envelope(Struct, frozen=True):
    """A message with the gate it came from or goes to."""

    site_id: int
    gate_id: int
    message: Message


class _BatchForm(Struct, frozen=True, kw_only=True):
    epoch: Epoch = field(name="e")
    events: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MAX_BATCH_EVENTS)] = field(name="ev")
    historical: Literal[1] = field(name="h", default=1)


class _Claim(Struct):
    epoch: Epoch = field(name="e")
    seq: Id = field(name="s")


_TOPIC = re.compile(r"gh/1/([1-9][0-9]{0,15})/([1-9][0-9]{0,15})/((?:up|dn)/[a-z]+)", re.ASCII)
_FORMS: dict[Leg, Any] = {  # Any: a union of types is no type to the checker
    "up/state": Birth | Death,
    "up/hb": Heartbeat,
    "up/scan": Scan,
    "up/evt": Event,
    "up/batch": _BatchForm,
    "dn/dec": Decision,
    "dn/ack": Acknowledgement,
    "dn/want": Want,
}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    leg: msgspec.json.Decoder(form) for leg, form in _FORMS.items()
}
_EVENT: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_CLAIM: msgspec.json.Decoder[_Claim] = msgspec.json.Decoder(_Claim)
_ENCODER = msgspec.json.Encoder()
_PLACE = re.compile(r"^(?P<reason>.*?)(?: - at (?:`key` in )?`\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"missing required field `(\w+)`")


def topic(site_id: int, gate_id: int, leg: Leg) -> str:
    """Returns the topic of one leg of one gate."""
    return f"gh/1/{site_id}/{gate_id}/{leg}"


def every(leg: Leg) -> str:
    """Returns the filter that follows one leg of all gates of all sites."""
    return f"gh/1/+/+/{leg}"


def encode(message: Message) -> bytes:
    """Returns the payload of a message."""
    if isinstance(message, Batch):
        form = {"e": message.epoch, "ev": message.events, "h": 1}
        return _ENCODER.encode(form)
    return _ENCODER.encode(message)


def parse(topic: str, payload: bytes) -> Envelope:
    """Returns what a message says.

    Raises:
        Malformed: it says nothing, and why.
    """
    site_id, gate_id, leg = _address(topic)
    decoder = _DECODERS.get(leg)
    if decoder is None:
        raise Malformed(topic, "topic", f"has no leg {leg}")
    limit = MAX_BATCH_BYTES if leg == "up/batch" else MAX_MESSAGE_BYTES
    if len(payload) > limit:
        raise Malformed(topic, "payload", f"has {len(payload)} bytes, more than {limit}")
    message = _decode(decoder, topic, payload)
    if isinstance(message, _BatchForm):
        message = _batch(topic, message)
    return Envelope(site_id, gate_id, message)


@lru_cache(maxsize=10_000)
def _address(topic: str) -> tuple[int, int, str]:
    if (match := _TOPIC.fullmatch(topic)) is None:
        raise Malformed(topic, "topic", "is not gh/1/{site}/{gate}/{leg}")
    return int(match[1]), int(match[2]), match[3]


def batches(events: Iterable[Event]) -> Iterator[Batch]:
    """Yields the events of one epoch in as many batches as the limits ask for."""
    room, members = 0, list[Event]()
    for event in events:
        size = len(_ENCODER.encode(event)) + 1
        if members and (len(members) == MAX_BATCH_EVENTS or size > room):
            yield Batch(epoch=members[0].epoch, events=tuple(members))
            members = []
        if not members:
            room = MAX_BATCH_BYTES - len(encode(Batch(epoch=event.epoch, events=())))
        members.append(event)
        room -= size
    if members:
        yield Batch(epoch=members[0].epoch, events=tuple(members))


def canonical(event: Event) -> bytes:
    """Returns the form of an event that its hash covers and that names no person; worth keeping as its record."""
    e, known = event, {name: value for name, value in sorted(event.extra.items()) if value is not None}
    person = None if e.pass_id is None or e.salt is None else personal_hash(e.salt, e.pass_id)
    # the keys in their order, without a sort
    members = dict[str, Any](c=e.reason, d=e.direction, e=e.epoch, id=e.decision_id, k=e.kind, pd=person)
    members.update(r=e.result, rid=e.request_id, s=e.seq, src=e.source, t=e.at_ms, tq=e.clock)
    members.update(x=known or None, z=e.zone_id)
    return _ENCODER.encode({name: value for name, value in members.items() if value is not None})


def personal_hash(salt: str, pass_id: int) -> str:
    """Returns what stands in the canonical form for a pass id."""
    return sha256(bytes.fromhex(salt) + str(pass_id).encode()).hexdigest()


def link(previous_hash: str, canonical_form: bytes) -> str:
    """Returns the hash of an event whose predecessor has `previous_hash`."""
    return sha256(bytes.fromhex(previous_hash) + canonical_form).hexdigest()


def seal(event: Event, previous_hash: str) -> Event:
    """Returns the event as the next link of the chain."""
    return replace(event, previous_hash=previous_hash, hash=link(previous_hash, canonical(event)))


def is_sealed(event: Event) -> bool:
    """Returns whether the event is what its hash covers; that `ph` is right, only its predecessor can tell."""
    return sealed_form(event) is not None


def sealed_form(event: Event) -> bytes | None:
    """Returns the canonical form of an event that is sealed, else None."""
    form = canonical(event)
    return form if event.hash == link(event.previous_hash, form) else None


def _decode(
    decoder: msgspec.json.Decoder[Any], topic: str, payload: bytes | msgspec.Raw, place: str = ""
) -> Any:
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as error:
        name, reason = _place(str(error))
        raise Malformed(topic, place + (name or "payload"), reason, _claim(payload)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(topic, place + "payload", f"is not JSON: {error}", _claim(payload)) from None


def _place(complaint: str) -> tuple[str, str]:
    """Returns which member a complaint is about and what is wrong with it."""
    match = _PLACE.match(complaint)
    path, reason = (match["path"] or "", match["reason"]) if match else ("", complaint)
    missing = _MISSING.search(reason)
    if missing:
        path = f"{path}.{missing[1]}" if path else missing[1]
    return path, reason


def _claim(payload: bytes | msgspec.Raw) -> tuple[str, int] | None:
    try:
        claim = _CLAIM.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return claim.epoch, claim.seq


def _batch(topic: str, form: _BatchForm) -> Batch:
    events, malformed = list[Event](), list[Malformed]()
    for number, raw in enumerate(form.events):
        place = f"ev[{number}]."
        try:
            event: Event = _decode(_EVENT, topic, raw, place)
        except Malformed as error:
            malformed.append(error)
            continue
        if event.epoch == form.epoch:
            events.append(event)
        else:
            claim = event.epoch, event.seq
            malformed.append(Malformed(topic, f"{place}e", "is not the epoch of the batch", claim))
    return Batch(epoch=form.epoch, events=tuple(events), malformed=tuple(malformed))
