"""What gates and the bridge say to each other: topics and payloads of version 1, parsed and written without I/O.

Topics are `gh/1/{site}/{gate}/{leg}`, and `gh/1/{site}/_all/{leg}` for what all gates of a site are told; ids are
integers as text. Payloads are JSON with short keys, at home on MQTT 3.1.1: request ids, epochs and expiry travel in the
payload, and what MQTT 5 adds decides nothing. A reader ignores members it does not know, and takes a member that is
null for one that is absent.
"""

from gate_bridge.wire.chain import GENESIS, canonical, is_sealed, link, personal_hash, seal, sealed_form
from gate_bridge.wire.fields import AlarmKind, Direction, Kind, Mode, Range, Result, Verb
from gate_bridge.wire.lists import Line, ListChunk, ListDelta, ListGet, ListHead, OpeningHours, ZoneTerms
from gate_bridge.wire.malformed import Malformed
from gate_bridge.wire.messages import (
    ALL_GATES,
    EXPIRES_S,
    FOR_ALL,
    MAX_BATCH_BYTES,
    MAX_BATCH_EVENTS,
    MAX_HEAD_BYTES,
    MAX_LIST_BYTES,
    MAX_MESSAGE_BYTES,
    QOS,
    RETAINED,
    Envelope,
    Leg,
    Message,
    batches,
    encode,
    every,
    parse,
    topic,
)
from gate_bridge.wire.orders import Acknowledgement, Command, Decision, Desired, Want
from gate_bridge.wire.properties import NO_PROPERTIES, Properties
from gate_bridge.wire.reports import (
    Batch,
    Birth,
    Condition,
    Conditions,
    Death,
    Event,
    Heartbeat,
    JournalRange,
    Outcome,
    Reported,
    Scan,
)

__all__ = [
    "ALL_GATES",
    "EXPIRES_S",
    "FOR_ALL",
    "GENESIS",
    "MAX_BATCH_BYTES",
    "MAX_BATCH_EVENTS",
    "MAX_HEAD_BYTES",
    "MAX_LIST_BYTES",
    "MAX_MESSAGE_BYTES",
    "NO_PROPERTIES",
    "QOS",
    "RETAINED",
    "Acknowledgement",
    "AlarmKind",
    "Batch",
    "Birth",
    "Command",
    "Condition",
    "Conditions",
    "Death",
    "Decision",
    "Desired",
    "Direction",
    "Envelope",
    "Event",
    "Heartbeat",
    "JournalRange",
    "Kind",
    "Leg",
    "Line",
    "ListChunk",
    "ListDelta",
    "ListGet",
    "ListHead",
    "Malformed",
    "Message",
    "Mode",
    "OpeningHours",
    "Outcome",
    "Properties",
    "Range",
    "Reported",
    "Result",
    "Scan",
    "Verb",
    "Want",
    "ZoneTerms",
    "batches",
    "canonical",
    "encode",
    "every",
    "is_sealed",
    "link",
    "parse",
    "personal_hash",
    "seal",
    "sealed_form",
    "topic",
]
