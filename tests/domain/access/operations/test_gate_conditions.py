"""A gate's word on what is wrong brings its alarms to it, and the same word again changes nothing."""

import asyncio
from datetime import UTC, datetime
from typing import get_args

from sqlalchemy import select

from domain.access.operations.gate_conditions import Condition, GateConditions
from domain.access.operations.gate_states import Pulse
from domain.access.rules.alarm_kinds import SENSED
from domain.access.tables.alarms import AlarmRow
from gate_bridge import wire
from tests.premises import Gate, Premises

SINCE = datetime(2026, 3, 2, 8, 59, tzinfo=UTC)


async def says(gate: Gate, *kinds: str, seq: int = 0) -> None:
    wrong = [Condition(kind=kind, since=SINCE, seq=seq) for kind in kinds]  # type: ignore[arg-type]  # by name
    said = GateConditions(gate_id=gate.gate_id, conditions=wrong)
    await gate.premises.serve("access.report_conditions", gates=[said])


async def alarms(premises: Premises) -> list[tuple[str, str, int]]:
    async with premises.house.runtime.readers() as db:
        rows = await db.scalars(select(AlarmRow).order_by(AlarmRow.id))
        return [(row.kind, row.state, row.count) for row in rows]


async def test_what_is_new_is_raised_and_what_is_left_out_is_cleared(premises: Premises, entrance: Gate):
    await says(entrance, "fire", "jam", seq=4)
    await says(entrance, "jam", "psu")

    assert await alarms(premises) == [("fire", "cleared", 1), ("jam", "raised", 1), ("psu", "raised", 1)]
    assert [fact.alarm for fact in await premises.named("gate.alarm_cleared")] == ["fire"]
    async with premises.house.runtime.readers() as db:
        detail = await db.scalar(select(AlarmRow.detail).where(AlarmRow.kind == "fire"))
    assert detail == {"since": SINCE.isoformat(), "seq": 4}


async def test_the_same_word_again_is_no_repeat(premises: Premises, entrance: Gate):
    await entrance.report(entrance.event("alarm_on", detail={"alarm": "held_open"}))
    for _ in range(3):
        await says(entrance, "held_open", "tamper")

    assert await alarms(premises) == [("held_open", "raised", 1), ("tamper", "raised", 1)]
    assert len(await premises.named("gate.alarm_raised")) == 2


async def test_the_same_word_at_once_is_one(premises: Premises, entrance: Gate):
    await asyncio.gather(*(says(entrance, "fire", "jam") for _ in range(8)))

    assert await alarms(premises) == [("fire", "raised", 1), ("jam", "raised", 1)]


async def test_the_event_that_a_condition_named_is_no_repeat_when_it_comes_up_later(
    premises: Premises, entrance: Gate
):
    began = entrance.event("alarm_on", detail={"alarm": "forced"})
    await says(entrance, "forced", seq=began.seq)
    await entrance.report(began)
    assert await alarms(premises) == [("forced", "raised", 1)]

    await entrance.report(entrance.event("alarm_on", detail={"alarm": "forced"}))
    assert await alarms(premises) == [("forced", "raised", 2)]


async def test_alarms_of_the_server_and_of_other_gates_are_left_alone(
    premises: Premises, entrance: Gate, door: Gate
):
    await says(door, "jam")
    event = entrance.event("boot")
    await entrance.report(event)
    entrance.seq, entrance.hash = 0, bytes(32)
    await entrance.report(entrance.event("alarm_off"))
    await says(entrance)

    assert await alarms(premises) == [("jam", "raised", 1), ("contradiction", "raised", 1)]


async def test_a_gate_that_is_none_says_nothing(premises: Premises, entrance: Gate):
    entrance.gate_id = 10**6

    await says(entrance, "jam")

    assert await alarms(premises) == []


async def test_no_word_of_a_gate_is_about_what_the_server_finds(premises: Premises, entrance: Gate):
    async with premises.house.runtime.sessions.begin() as db:
        own = {"site_id": premises.ids["site"], "gate_id": entrance.gate_id, "kind": "contradiction"}
        db.add(AlarmRow(**own, raised_at=premises.now, last_at=premises.now, detail={}))

    await entrance.report(entrance.event("alarm_off", detail={"alarm": "contradiction"}))
    await entrance.report(
        entrance.event("alarm_on", detail={"alarm": "watch_list", "note": "not mine to say"})
    )

    assert await alarms(premises) == [("contradiction", "raised", 1), ("unnamed", "raised", 1)]


def test_the_kinds_are_those_of_the_wire():
    assert get_args(wire.AlarmKind) == SENSED


async def test_a_gate_that_says_what_it_runs_on_is_asked_for_no_other_word_on_it(
    premises: Premises, entrance: Gate
):
    pulse = Pulse(gate_id=entrance.gate_id, session=1, last_seq=4, queue_depth=0, power="battery")
    await premises.serve("access.report_pulses", pulses=[pulse])

    await says(entrance, "jam")
    await says(entrance)

    assert await alarms(premises) == [("psu", "raised", 1), ("jam", "cleared", 1)]
