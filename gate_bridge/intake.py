"""What a batch of messages says, sorted by what is done with it; pure."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec import Raw

from domain.access.operations.commands import Answer
from domain.access.operations.gate_conditions import Condition
from domain.access.operations.gate_states import Born, Pulse
from domain.access.operations.rebirths import Sighting
from domain.access.operations.recording import GateEvent, Poison
from gate_bridge import wire
from gate_bridge.inbox import Received

logger = logging.getLogger(__name__)

LIVE = ("/up/hb", "/up/res")
"""What tells of this moment: somebody kept it against the rules, and by now it is not true."""


@dataclass(slots=True)
class Intake:
    """A batch, read. ``sites`` remembers under which site each gate speaks, for the answers' topics."""

    events: list[GateEvent] = field(default_factory=list)
    poison: list[Poison] = field(default_factory=list)
    states: list[tuple[int, wire.Birth | wire.Death]] = field(default_factory=list)
    pulses: list[Pulse] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    conditions: dict[int, list[Condition]] = field(default_factory=dict)
    sightings: dict[int, Sighting] = field(default_factory=dict)
    sites: dict[int, int] = field(default_factory=dict)


def read(messages: Iterable[Received]) -> Intake:
    """Return what the messages say; what cannot be read becomes poison and never an error."""
    intake = Intake()
    for message in messages:
        if not message.payload:
            continue  # a retained state that was cleared
        if message.retained and message.topic.endswith(LIVE):
            continue
        try:
            _read(intake, message)
        except wire.Malformed as error:
            intake.poison.append(poisoned(error, message))
        except Exception as error:
            # The broker brings a message again that ends the process, so that no message may.
            logger.exception("a message on %s met a defect of ours", message.topic)
            defect = wire.Malformed(
                message.topic, "payload", f"could not be taken in ({type(error).__name__})"
            )
            intake.poison.append(poisoned(defect, message))
    return intake


def _read(intake: Intake, message: Received) -> None:
    envelope = wire.parse(message.topic, message.payload)
    intake.sites[envelope.gate_id] = envelope.site_id
    _sort(intake, envelope.gate_id, envelope.message, message)


def _sort(intake: Intake, gate_id: int, said: wire.Message, message: Received) -> None:
    match said:
        case wire.Event():
            _see(intake, gate_id, said.epoch)
            _take(intake, gate_id, said, message, historical=message.properties.historical)
        case wire.Batch():
            _see(intake, gate_id, said.epoch)
            intake.poison += [poisoned(error, message) for error in said.malformed]
            for event, raw in zip(said.events, said.said, strict=True):
                _take(intake, gate_id, event, message, historical=True, said=raw)
        case wire.Birth() | wire.Death():
            intake.states.append((gate_id, said))
        case wire.Heartbeat():
            _see(intake, gate_id, said.epoch, said.session)
            intake.pulses.append(_pulse(gate_id, said))
        case wire.Conditions():
            intake.conditions[gate_id] = [_condition(one) for one in said.current]
        case wire.Outcome():
            intake.answers.append(
                Answer(gate_id=gate_id, command_id=said.command_id, done=said.done, code=said.reason)
            )
        case _:
            error = wire.Malformed(message.topic, "topic", "is not one that gates report on")
            intake.poison.append(poisoned(error, message))


def _see(intake: Intake, gate_id: int, epoch: str, session: int | None = None) -> None:
    """Note in which session a gate is, where it says so, else at least in which epoch."""
    if session is not None or gate_id not in intake.sightings:
        sighting = Sighting(gate_id=gate_id, epoch=bytes.fromhex(epoch), session=session)
        intake.sightings[gate_id] = sighting


def _take(
    intake: Intake,
    gate_id: int,
    event: wire.Event,
    message: Received,
    *,
    historical: bool,
    said: Raw | None = None,
) -> None:
    form = wire.sealed_form(event)
    if form is not None:
        intake.events.append(_event(gate_id, event, form, historical=historical))
        return
    claim, member = (event.epoch, event.seq), None if said is None else bytes(said)
    error = wire.Malformed(message.topic, "h", "is not the hash of this event", claim, member)
    intake.poison.append(poisoned(error, message))


def _event(gate_id: int, event: wire.Event, form: bytes, *, historical: bool) -> GateEvent:
    return GateEvent(
        gate_id=gate_id,
        epoch=bytes.fromhex(event.epoch),
        seq=event.seq,
        at=datetime.fromtimestamp(event.at_ms / 1000, UTC),
        clock=event.clock,
        kind=event.kind,
        source=event.source,
        historical=historical,
        canonical=form,
        previous_hash=bytes.fromhex(event.previous_hash),
        hash=bytes.fromhex(event.hash),
        rid=event.request_id,
        decision=event.decision_id,
        direction=event.direction,
        admit=None if event.result is None else event.result == "admit",
        reason=event.reason,
        grant_id=event.pass_id,
        # without the person it salts, it would be something in the log that the gate's hash does not cover
        salt=bytes.fromhex(event.salt) if event.salt and event.pass_id is not None else None,
        detail=event.extra,
    )


def _pulse(gate_id: int, said: wire.Heartbeat) -> Pulse:
    return Pulse(
        gate_id=gate_id,
        session=said.session,
        last_seq=said.last_seq,
        queue_depth=said.queue_depth,
        clock_offset_ms=said.clock_offset_ms,
        reported_mode=said.reported.mode if said.reported else None,
        reported_revision=said.reported.revision if said.reported else 0,
        list_revision=said.reported.list_revision if said.reported else 0,
        uptime_s=said.uptime_s or None,
        rssi=said.rssi,
        temperature=said.temperature,
        battery=said.battery,
        power=said.power,
    )


def born(said: wire.Birth) -> Born:
    """Return what a birth says of the gate."""
    return Born(
        firmware=said.firmware,
        hardware=said.hardware,
        capabilities=said.capabilities,
        directions=said.directions,
        time_zone=said.time_zone,
        journal_low=said.journal.low,
        journal_high=said.journal.high,
        list_revision=said.list_revision,
        config_revision=said.config_revision,
    )


def _condition(said: wire.Condition) -> Condition:
    return Condition(kind=said.kind, since=datetime.fromtimestamp(said.since_ms / 1000, UTC), seq=said.seq)


def poisoned(error: wire.Malformed, message: Received) -> Poison:
    """Return the row of the quarantine that a message which cannot be read becomes."""
    # Only reports are numbered; what else looks like a number must not make the journal step over an event.
    numbered = message.topic.endswith(("/up/evt", "/up/batch"))
    epoch, seq = (numbered and error.event) or (None, None)
    return Poison(
        topic=message.topic,
        reason=f"{error.field}: {error.reason}",
        payload=message.payload if error.said is None else error.said,
        gate_id=_gate_of(message.topic),
        epoch=bytes.fromhex(epoch) if epoch else None,
        seq=seq,
    )


def _gate_of(topic: str) -> int | None:
    """The broker lets a gate write under its own name only, so that the topic says whose junk it is."""
    parts = topic.split("/")
    named = len(parts) > 3 and parts[3].isascii() and parts[3].isdigit() and len(parts[3]) < 17
    return int(parts[3]) if named else None
