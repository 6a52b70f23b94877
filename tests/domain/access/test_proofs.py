"""The log of a gate is proved to be what the gate wrote; every edit, deletion and reorder is found.

Proves: domain/access/operations/proofs.py, domain/access/rules/proof.py
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from domain.access.operations.proofs import Proof
from domain.access.operations.recording import GateEvent, Poison
from domain.kernel.errors import NotFound
from gate_bridge import wire
from gate_bridge.inbox import Received
from gate_bridge.intake import read
from tests.premises import Premises

EPOCH = "00112233445566ff"
KINDS: tuple[wire.Kind, ...] = ("boot", "decision", "passage", "alarm_on", "passage")


def journal(count: int = 5) -> list[wire.Event]:
    """Events as a gate writes them."""
    events, previous = [], wire.GENESIS
    for seq in range(1, count + 1):
        kind = KINDS[(seq - 1) % len(KINDS)]
        walked = kind in ("decision", "passage")
        event = wire.Event(
            epoch=EPOCH, seq=seq, at_ms=1_772_442_000_123 + seq, clock="ok", kind=kind, source="online",
            request_id=f"{seq:016x}" if walked else None, direction="in" if walked else None,
            pass_id=1 if walked else None, salt="ab" * 16 if walked else None,
            result="admit" if kind == "decision" else None, reason="ok" if kind == "decision" else None,
            extra={"alarm": "held_open"} if kind == "alarm_on" else {},
            previous_hash=previous, hash=previous,
        )  # fmt: skip
        event = wire.seal(event, previous)
        events.append(event)
        previous = event.hash
    return events


async def record(premises: Premises, events: list[wire.Event], poison: tuple[Poison, ...] = ()) -> None:
    """Have events recorded as they come over the wire."""
    topic = wire.topic(premises.ids["site"], premises.ids["entrance"], "up/evt")
    messages = [Received(topic, wire.encode(event), 1, False, False, 1, 1) for event in events]
    taken: list[GateEvent] = read(messages).events
    assert len(taken) == len(events)
    await premises.serve("access.record", events=taken, poison=list(poison))


async def prove(premises: Premises, gate: str = "entrance") -> Proof:
    proof: Proof = await premises.ask("manager", "access.verify_gate", gate_id=premises.ids[gate])
    return proof


async def meddle(premises: Premises, statement: str, **values: Any) -> None:
    async with premises.house.runtime.sessions.begin() as db:
        await db.execute(text(statement), values)


def found(proof: Proof) -> list[tuple[int, str]]:
    return [(finding.seq, finding.problem) for finding in proof.findings]


@pytest.fixture
async def recorded(premises: Premises) -> Premises:
    """Premises whose entrance has reported five events of a guest's."""
    window = {"start": premises.now.isoformat(), "end": (premises.now + timedelta(hours=1)).isoformat()}
    await premises.ask("member", "access.create_guest_pass", guest_name="Ada", **window)
    await record(premises, journal())
    return premises


async def test_what_the_gate_wrote_is_proved(recorded: Premises):
    proof = await prove(recorded)

    assert found(proof) == []
    (one,) = proof.journals
    assert (one.epoch, one.first, one.last, one.events, one.up_to, one.erased) == (EPOCH, 1, 5, 5, 5, 0)


EDITS = {
    "reason": ("reason = 'full'", 2, "says another reason than the gate wrote"),
    "admit": ("admit = false", 2, "says another admit than the gate wrote"),
    "at": ("at = at + interval '1 hour'", 3, "says another at than the gate wrote"),
    "direction": ("direction = 'out'", 3, "says another direction than the gate wrote"),
    "kind": ("kind = 'no_passage'", 3, "says another kind than the gate wrote"),
    "detail": ("""detail = '{"alarm": "fire"}'""", 4, "says another detail than the gate wrote"),
    "person": ("grant_id = 2", 3, "names another person than the gate did"),
    "canonical": ("canonical = replace(convert_from(canonical, 'utf8'), '\"in\"', '\"no\"')::bytea", 3,
                  "is not what its hash covers"),
}  # fmt: skip


@pytest.mark.parametrize("edited", EDITS)
async def test_an_edit_is_found(recorded: Premises, edited: str):
    change, seq, problem = EDITS[edited]

    await meddle(recorded, f"UPDATE access_log SET {change} WHERE seq = :seq", seq=seq)

    assert (seq, problem) in found(await prove(recorded))


async def test_an_edit_with_a_new_hash_is_found_at_the_next_event(recorded: Premises):
    change = "canonical = canonical || ' '::bytea, hash = sha256(previous_hash || canonical || ' '::bytea)"

    await meddle(recorded, f"UPDATE access_log SET {change} WHERE seq = 3")

    problems = found(await prove(recorded))
    assert (3, "came with another hash") in problems
    assert (4, "does not continue the event before it") in problems


@pytest.mark.parametrize("seq", [1, 3, 5])
async def test_a_deletion_is_found_also_at_the_ends(recorded: Premises, seq: int):
    await meddle(recorded, "DELETE FROM access_log WHERE seq = :seq", seq=seq)

    assert found(await prove(recorded)) == [(seq, "came and is in the log no more")]


async def test_a_deletion_that_takes_the_key_along_is_found(recorded: Premises):
    for table in ("access_log", "access_keys"):
        await meddle(recorded, f"DELETE FROM {table} WHERE seq = 5")

    assert found(await prove(recorded)) == [(5, "1 events up to this one are in the log no more")]


async def test_two_events_that_changed_places_are_found(recorded: Premises):
    await meddle(
        recorded, "UPDATE access_log SET seq = CASE seq WHEN 3 THEN 5 ELSE 3 END WHERE seq IN (3, 5)"
    )

    assert (3, "stands under another number than the gate gave it") in found(await prove(recorded))


async def test_an_erased_person_is_no_edit(recorded: Premises):
    await meddle(recorded, "UPDATE access_log SET grant_id = NULL, salt = NULL")

    proof = await prove(recorded)
    assert found(proof) == []
    assert proof.journals[0].erased == 3


async def test_what_could_not_be_read_is_told_and_no_deletion(premises: Premises):
    first, second, third = journal(3)
    junk = Poison(
        topic="up/evt", reason="h: is wrong", payload=b"junk", gate_id=premises.ids["entrance"],
        epoch=bytes.fromhex(EPOCH), seq=second.seq,
    )  # fmt: skip
    await record(premises, [first, third], (junk,))

    proof = await prove(premises)
    assert found(proof) == []
    assert (proof.journals[0].events, proof.journals[0].unreadable, proof.journals[0].up_to) == (2, 1, 3)


async def test_the_desk_is_proved_too_and_its_edits_are_found(recorded: Premises):
    entrance = recorded.ids["entrance"]
    await recorded.ask("desk", "access.log_visit", guest_pass_id=1, action="enter", gate_id=entrance)
    async with recorded.house.runtime.readers() as db:
        recorded.ids["desk gate"] = await db.scalar(text("SELECT id FROM gates WHERE desk")) or 0

    assert found(await prove(recorded, "desk gate")) == []
    desk = recorded.ids["desk gate"]
    await meddle(recorded, "UPDATE access_log SET direction = 'out' WHERE gate_id = :desk", desk=desk)
    assert found(await prove(recorded, "desk gate")) == [(1, "says another direction than the gate wrote")]


async def test_only_managers_of_the_site_are_told(recorded: Premises):
    with pytest.raises(NotFound):
        await recorded.ask("manager", "access.verify_gate", gate_id=10**9)


def test_times_are_kept_to_the_millisecond():
    assert datetime.fromtimestamp(1_772_442_000_123 / 1000, UTC).microsecond == 123000
