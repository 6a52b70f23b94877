"""Topics and payloads: which leg carries which message, read and written."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Raw, Struct, field

from gate_bridge.wire.fields import AlarmKind, Epoch, Id
from gate_bridge.wire.lists import ListChunk, ListDelta, ListGet, ListHead
from gate_bridge.wire.malformed import Malformed
from gate_bridge.wire.orders import Acknowledgement, Command, Decision, Desired, Want
from gate_bridge.wire.reports import (
    Batch,
    Birth,
    Condition,
    Conditions,
    Death,
    Event,
    Heartbeat,
    Outcome,
    Scan,
)

MAX_BATCH_EVENTS = 200
MAX_BATCH_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 8 * 1024
MAX_HEAD_BYTES = 120 * 1024
MAX_LIST_BYTES = 32 * 1024
ALL_GATES = 0
"""Stands for `_all`, every gate of the site, where a gate's id is asked for."""

UpLeg = Literal["up/state", "up/hb", "up/scan", "up/evt", "up/batch", "up/cond", "up/res", "up/al/get"]
DownLeg = Literal[
    "dn/dec", "dn/ack", "dn/want", "dn/desired", "dn/cmd", "dn/al/head", "dn/al/delta", "dn/al/chunk"
]
Leg = UpLeg | DownLeg
QOS: dict[Leg, Literal[0, 1]] = {
    leg: 0 if leg in ("up/hb", "dn/ack") else 1 for leg in (*get_args(UpLeg), *get_args(DownLeg))
}
RETAINED: frozenset[Leg] = frozenset({"up/state", "up/cond", "dn/desired", "dn/al/head"})
FOR_ALL: frozenset[str] = frozenset({"dn/al/head", "dn/al/delta"})
"""What is told to all gates of a site at once, and never to one."""
EXPIRES_S: dict[Leg, int] = {
    "up/hb": 30,
    "up/scan": 2,
    "up/al/get": 30,
    "dn/dec": 2,
    "dn/ack": 10,
    "dn/want": 30,
    "dn/cmd": 5,
    "dn/al/delta": 60,
    "dn/al/chunk": 60,
}
"""For how long a message means something, where the link has MQTT 5; the broker then forgets it."""
LIMITS: dict[str, int] = {
    "up/batch": MAX_BATCH_BYTES,
    "dn/al/head": MAX_HEAD_BYTES,
    "dn/al/delta": MAX_LIST_BYTES,
    "dn/al/chunk": MAX_LIST_BYTES,
}
"""How large a message may be, in bytes; all others `MAX_MESSAGE_BYTES`."""
Report = Birth | Death | Heartbeat | Scan | Event | Batch | Conditions | Outcome | ListGet
Order = Decision | Acknowledgement | Want | Desired | Command
Message = Report | Order | ListHead | ListDelta | ListChunk


class Envelope(Struct, frozen=True):
    """A message with the gate it came from or goes to; `ALL_GATES` where it goes to every gate of the site."""

    site_id: int
    gate_id: int
    message: Message


class _BatchForm(Struct, frozen=True, kw_only=True):
    epoch: Epoch = field(name="e")
    events: Annotated[list[Raw], Meta(min_length=1, max_length=MAX_BATCH_EVENTS)] = field(name="ev")
    historical: Literal[1] = field(name="h", default=1)


class _Claim(Struct):
    epoch: Epoch = field(name="e")
    seq: Id = field(name="s")


_TOPIC = re.compile(
    r"gh/1/([1-9][0-9]{0,15})/(?:([1-9][0-9]{0,15})|_all)/((?:up|dn)/[a-z]+(?:/[a-z]+)?)", re.ASCII
)
FORMS: dict[Leg, Any] = {  # Any: a union of types is no type to the checker
    "up/state": Birth | Death,
    "up/hb": Heartbeat,
    "up/scan": Scan,
    "up/evt": Event,
    "up/batch": _BatchForm,
    "up/cond": Annotated[tuple[Condition, ...], Meta(max_length=len(get_args(AlarmKind)))],
    "dn/dec": Decision,
    "dn/ack": Acknowledgement,
    "dn/want": Want,
    "up/res": Outcome,
    "dn/desired": Desired,
    "dn/cmd": Command,
    "up/al/get": ListGet,
    "dn/al/head": ListHead,
    "dn/al/delta": ListDelta,
    "dn/al/chunk": ListChunk,
}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    leg: msgspec.json.Decoder(form) for leg, form in FORMS.items()
}
_EVENT: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_CLAIM: msgspec.json.Decoder[_Claim] = msgspec.json.Decoder(_Claim)
_ENCODER = msgspec.json.Encoder()
_PLACE = re.compile(r"^(?P<reason>.*?)(?: - at (?:`key` in )?`\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"missing required field `(\w+)`")


def topic(site_id: int, gate_id: int, leg: Leg) -> str:
    """Returns the topic of one leg of one gate, or of all gates of the site."""
    return f"gh/1/{site_id}/{gate_id or '_all'}/{leg}"


def every(leg: Leg) -> str:
    """Returns the filter that follows one leg of all gates of all sites."""
    return f"gh/1/+/+/{leg}"


def encode(message: Message) -> bytes:
    """Returns the payload of a message."""
    if isinstance(message, Batch):
        form = {"e": message.epoch, "ev": message.events, "h": 1}
        return _ENCODER.encode(form)
    if isinstance(message, Conditions):
        return _ENCODER.encode(message.current)
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
    limit = LIMITS.get(leg, MAX_MESSAGE_BYTES)
    if len(payload) > limit:
        raise Malformed(topic, "payload", f"has {len(payload)} bytes, more than {limit}")
    message = _decode(decoder, topic, payload)
    if isinstance(message, _BatchForm):
        message = _batch(topic, message)
    elif leg == "up/cond":
        message = _conditions(topic, message)
    return Envelope(site_id, gate_id, message)


@lru_cache(maxsize=10_000)
def _address(topic: str) -> tuple[int, int, str]:
    if (match := _TOPIC.fullmatch(topic)) is None:
        raise Malformed(topic, "topic", "is not gh/1/{site}/{gate}/{leg}")
    gate_id, leg = int(match[2] or ALL_GATES), match[3]
    if (gate_id == ALL_GATES) != (leg in FOR_ALL):
        raise Malformed(topic, "topic", f"has no leg {leg} " + ("of one gate" if gate_id else "of all gates"))
    return int(match[1]), gate_id, leg


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


def _decode(decoder: msgspec.json.Decoder[Any], topic: str, payload: bytes | Raw, place: str = "") -> Any:
    try:
        try:
            return decoder.decode(payload)
        except msgspec.ValidationError:
            if b"null" not in bytes(payload):
                raise
            # A member that is null is one that is absent; hardly anybody sends any, so that this is looked at last.
            return decoder.decode(_ENCODER.encode(_without_nulls(msgspec.json.decode(payload))))
    except msgspec.ValidationError as error:
        name, reason = _place(str(error))
        raise Malformed(topic, place + (name or "payload"), reason, _claim(payload)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(topic, place + "payload", f"is not JSON: {error}", _claim(payload)) from None


def _without_nulls(said: Any) -> Any:  # Any: whatever JSON there may be
    """Details of an event stay as they are: a null among them is sealed with it."""
    if not isinstance(said, dict):
        return said
    known = {name: value for name, value in said.items() if value is not None}
    return {name: value if name == "x" else _without_nulls(value) for name, value in known.items()}


def _place(complaint: str) -> tuple[str, str]:
    """Returns which member a complaint is about and what is wrong with it."""
    match = _PLACE.match(complaint)
    path, reason = (match["path"] or "", match["reason"]) if match else ("", complaint)
    missing = _MISSING.search(reason)
    if missing:
        path = f"{path}.{missing[1]}" if path else missing[1]
    return path, reason


def _claim(payload: bytes | Raw) -> tuple[str, int] | None:
    try:
        claim = _CLAIM.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return claim.epoch, claim.seq


def _batch(topic: str, form: _BatchForm) -> Batch:
    events, said, malformed = list[Event](), list[Raw](), list[Malformed]()
    for number, raw in enumerate(form.events):
        place = f"ev[{number}]."
        try:
            event: Event = _decode(_EVENT, topic, raw, place)
        except Malformed as error:
            error.said = bytes(raw)
            malformed.append(error)
            continue
        if event.epoch == form.epoch:
            events.append(event)
            said.append(raw)
        else:
            claim, foreign = (event.epoch, event.seq), "is not the epoch of the batch"
            malformed.append(Malformed(topic, f"{place}e", foreign, claim, bytes(raw)))
    return Batch(epoch=form.epoch, events=tuple(events), said=tuple(said), malformed=tuple(malformed))


def _conditions(topic: str, current: tuple[Condition, ...]) -> Conditions:
    named = set[str]()
    for number, condition in enumerate(current):
        if condition.kind in named:
            raise Malformed(topic, f"[{number}].k", f"names {condition.kind} a second time")
        named.add(condition.kind)
    return Conditions(current)
