"""A pass used twice at gates that could not ask each other is found, whatever order their reports come in.

Proves: domain/access/operations/double_use.py, domain/access/jobs.py
"""

import asyncio
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import text

from domain.access.operations.double_use import LOOK, PAUSES_S
from domain.access.operations.gate_states import Pulse
from domain.access.operations.recording import GateEvent
from tests.badges import a_badge
from tests.domain.access.operations.test_alarms import alarms
from tests.premises import Gate, Premises

EPOCH = b"epoch001"


@pytest.fixture
async def side(premises: Premises) -> Gate:
    """Another gate from the street into the hall."""
    about: dict[str, Any] = {
        "site_id": premises.ids["site"],
        "name": "side",
        "to_zone_id": premises.ids["hall"],
    }
    return Gate(premises, (await premises.ask("manager", "access.create_gate", **about)).gate_id)


def walked(gate: Gate, pass_id: int, minute: int, direction: str = "in", **members: Any) -> GateEvent:
    at = gate.premises.now + timedelta(minutes=minute - 60)
    about = {"grant_id": pass_id, "source": "offline", "historical": True, "at": at}
    return gate.event("passage", direction=direction, **about | members)


async def online(gate: Gate) -> None:
    about = {"gate_id": gate.gate_id, "epoch": EPOCH, "session": 1}
    await gate.premises.serve("access.report_birth", **about)


async def look(premises: Premises) -> None:
    """Do what waits, as if its time had come."""
    await premises.house.work()


async def waits(premises: Premises) -> list[tuple[int, datetime]]:
    return [(job.arguments["look"], job.run_at) for job in await premises.house.jobs() if job.job == LOOK]


async def test_a_single_entry_used_at_two_gates_is_told_at_once(
    premises: Premises, entrance: Gate, side: Gate
):
    made = await a_badge(premises, entries="single")
    await side.report(walked(side, made.pass_id, 2))

    await entrance.report(walked(entrance, made.pass_id, 1))

    (alarm,) = await alarms(premises)
    assert (alarm.kind, alarm.gate_id, alarm.count) == ("double_use", entrance.gate_id, 1)
    assert alarm.detail["passId"] == made.pass_id
    assert alarm.detail["gates"] == [side.gate_id, entrance.gate_id]
    assert len(set(alarm.detail["accessIds"])) == 2


async def test_both_entries_in_one_upload_are_one_double_use(premises: Premises, entrance: Gate, side: Gate):
    made = await a_badge(premises, entries="single")

    await entrance.report(walked(entrance, made.pass_id, 2), walked(side, made.pass_id, 1))

    (alarm,) = await alarms(premises)
    assert (alarm.detail["gates"], alarm.count) == ([side.gate_id, entrance.gate_id], 1)


async def test_two_gates_that_upload_at_once_are_one_double_use(
    premises: Premises, entrance: Gate, side: Gate
):
    made = await a_badge(premises, entries="single")

    await asyncio.gather(
        entrance.report(walked(entrance, made.pass_id, 1)), side.report(walked(side, made.pass_id, 2))
    )

    (alarm,) = await alarms(premises)
    assert (alarm.kind, alarm.count) == ("double_use", 1)


async def test_a_report_that_comes_twice_is_no_second_entry(premises: Premises, entrance: Gate):
    made = await a_badge(premises, entries="single")
    event = walked(entrance, made.pass_id, 1)

    for _ in range(3):
        await entrance.report(event)

    assert not await alarms(premises)


async def test_a_single_entry_that_walks_on_inside_is_no_double_use(
    premises: Premises, entrance: Gate, door: Gate
):
    made = await a_badge(premises, entries="single")

    await entrance.report(
        walked(entrance, made.pass_id, 1),
        walked(door, made.pass_id, 2),
        walked(entrance, made.pass_id, 3, "out"),
    )

    assert not await alarms(premises)


@pytest.mark.parametrize("order", list(permutations(range(2))))
async def test_two_entries_without_a_way_out_are_told_once_every_gate_was_heard(
    premises: Premises, entrance: Gate, side: Gate, order: tuple[int, ...]
):
    made = await a_badge(premises)
    await online(entrance)
    await online(side)
    told = [walked(entrance, made.pass_id, 1), walked(side, made.pass_id, 2, source="online")]
    gates = [entrance, side]

    for place in order:
        await gates[place].report(told[place])
    await look(premises)

    (alarm,) = await alarms(premises)
    assert (alarm.gate_id, alarm.count) == (side.gate_id, 1)
    assert alarm.detail["gates"] == [entrance.gate_id, side.gate_id]
    assert "unheard" not in alarm.detail
    assert [fact.alarm for fact in await premises.named("gate.alarm_raised")] == ["double_use"]
    assert not await waits(premises)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_way_out_that_is_told_later_makes_it_no_double_use(
    premises: Premises, entrance: Gate, side: Gate, order: tuple[int, ...]
):
    made = await a_badge(premises)
    gates = [entrance, side, Gate(premises, premises.ids["entrance"], epoch=b"epoch002")]
    told = [
        walked(entrance, made.pass_id, 1),
        walked(side, made.pass_id, 3),
        walked(gates[2], made.pass_id, 2, "out"),
    ]
    await online(side)
    await premises.serve("access.report_birth", gate_id=entrance.gate_id, epoch=b"epoch002", session=2)
    await premises.serve(
        "access.report_pulses",
        pulses=[Pulse(gate_id=entrance.gate_id, session=2, last_seq=1, queue_depth=1)],
    )

    for place in order[:2]:
        await gates[place].report(told[place])
    await look(premises)
    early = await alarms(premises)
    await gates[order[2]].report(told[order[2]])
    await premises.serve(
        "access.report_pulses",
        pulses=[Pulse(gate_id=entrance.gate_id, session=2, last_seq=1, queue_depth=0)],
    )
    await let_time_pass(premises)
    await look(premises)

    assert (early, await alarms(premises), await waits(premises)) == ([], [], [])


async def let_time_pass(premises: Premises) -> None:
    async with premises.house.runtime.sessions.begin() as db:
        await db.execute(text("UPDATE jobs SET run_at = '2026-01-01Z'"))


async def test_while_a_gate_has_more_to_tell_it_is_looked_at_again_and_in_the_end_told(
    premises: Premises, entrance: Gate, side: Gate
):
    made = await a_badge(premises)
    await online(entrance)
    await online(side)
    await premises.serve("access.report_death", gate_id=side.gate_id, epoch=EPOCH, session=1)
    await entrance.report(walked(entrance, made.pass_id, 1), walked(side, made.pass_id, 2))

    looks = []
    for _ in PAUSES_S:
        looks += await waits(premises)
        assert not await alarms(premises)
        await look(premises)
        await let_time_pass(premises)

    assert [number for number, _ in looks] == [1, 2, 3, 4, 5, 6]
    (alarm,) = await alarms(premises)
    assert alarm.detail["unheard"] == [side.gate_id]
    assert not await waits(premises)


async def test_whom_the_desk_put_outside_may_come_in_again(premises: Premises, entrance: Gate, side: Gate):
    made = await a_badge(premises)
    await entrance.report(walked(entrance, made.pass_id, 1, at=premises.now))
    premises.house.clock.advance(minutes=1)
    for zone_id in (premises.ids["hall"], None):
        about: dict[str, Any] = {"site_id": premises.ids["site"], "zone_id": zone_id, "reason": "seen"}
        await premises.ask("desk", "access.forgive_pass", pass_id=made.pass_id, **about)
    premises.house.clock.advance(minutes=1)
    await side.report(walked(side, made.pass_id, 2, at=premises.now))

    await look(premises)

    assert not await alarms(premises)


@pytest.mark.parametrize(
    "harmless",
    [
        {"source": "online"},
        {"gate": "entrance"},
        {"passback": "off"},
        {"timed": 1},
    ],
)
async def test_what_is_allowed_is_no_double_use(
    premises: Premises, entrance: Gate, side: Gate, harmless: dict[str, Any]
):
    if minutes := harmless.get("timed"):
        about = {"passback": "timed", "passback_minutes": minutes}
        await premises.ask("manager", "access.change_zone", zone_id=premises.ids["hall"], **about)
    made = await a_badge(premises, passback=harmless.get("passback"))
    source = {"source": harmless.get("source", "offline")}
    second = entrance if "gate" in harmless else side

    await entrance.report(
        walked(entrance, made.pass_id, 1, **source), walked(second, made.pass_id, 3, **source)
    )
    await look(premises)

    assert not await alarms(premises)
    assert not await waits(premises)
