"""An alarm is one row per gate and kind while it is open, however often and by how many it is raised."""

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from domain.access.operations.alarms import AlarmNotOver, AlarmTaken
from domain.access.tables.alarms import AlarmRow
from domain.kernel.errors import Forbidden, Invalid, NotFound
from tests.premises import Gate, Premises


async def alarms(premises: Premises) -> list[AlarmRow]:
    async with premises.house.runtime.readers() as db:
        return list(await db.scalars(select(AlarmRow).order_by(AlarmRow.id)))


def sounding(gate: Gate, kind: str = "alarm_on", **detail: Any) -> Any:
    return gate.event(kind, detail={"alarm": "held_open", **detail})


async def test_an_alarm_is_raised_once_and_repeats_count(premises: Premises, entrance: Gate):
    await entrance.report(sounding(entrance, seconds=20))
    await entrance.report(sounding(entrance, seconds=40))

    (alarm,) = await alarms(premises)
    assert (alarm.kind, alarm.state, alarm.count, alarm.detail) == ("held_open", "raised", 2, {"seconds": 20})
    assert [fact.alarm_id for fact in await premises.named("gate.alarm_raised")] == [alarm.id] * 2


async def test_an_alarm_that_is_over_is_cleared_and_the_next_one_is_another(
    premises: Premises, entrance: Gate
):
    await entrance.report(
        sounding(entrance), sounding(entrance, "alarm_off"), sounding(entrance, "alarm_off")
    )
    await entrance.report(sounding(entrance))

    first, second = await alarms(premises)
    assert (first.state, first.cleared_at, second.state) == ("cleared", premises.now, "raised")
    assert len(await premises.named("gate.alarm_cleared")) == 1


async def test_alarms_raised_at_once_are_one(premises: Premises, entrance: Gate):
    events = [sounding(entrance) for _ in range(8)]

    await asyncio.gather(*(entrance.report(event) for event in events))

    (alarm,) = await alarms(premises)
    assert alarm.count == 8


async def test_the_database_holds_one_open_alarm_of_a_kind(premises: Premises, entrance: Gate):
    await entrance.report(sounding(entrance))

    async with premises.house.runtime.sessions() as db:
        same = (await db.scalars(select(AlarmRow))).one()
        copy = AlarmRow(
            site_id=same.site_id, gate_id=same.gate_id, kind=same.kind, detail={}, count=1, note=""
        )
        copy.raised_at = copy.last_at = same.raised_at
        copy.state, copy.version = "acknowledged", 0
        db.add(copy)
        with pytest.raises(Exception) as refused:
            await db.flush()
    assert isinstance(refused.value.orig.__cause__, asyncpg.UniqueViolationError)  # type: ignore[attr-defined]


async def sounded(premises: Premises, gate: Gate) -> int:
    """Have a gate sound an alarm; return its id."""
    await gate.report(sounding(gate))
    return (await alarms(premises))[-1].id


async def listed(premises: Premises, who: str = "desk", **filters: Any) -> list[Any]:
    page = await premises.ask(who, "access.list_alarms", site_id=premises.ids["site"], **filters)
    return list(page.items)


async def test_alarms_are_listed_by_state_gate_and_kind_a_page_at_a_time(
    premises: Premises, entrance: Gate, door: Gate
):
    first, second = await sounded(premises, entrance), await sounded(premises, door)
    await premises.ask("guard", "access.acknowledge_alarm", alarm_id=second)

    newest, oldest = await listed(premises)
    assert [alarm.alarm_id for alarm in (newest, oldest)] == [second, first]
    assert (newest.gate_name, newest.acknowledged_by_name) == ("door", "guard")
    assert await listed(premises, state="raised") == await listed(premises, gate_id=entrance.gate_id)
    assert await listed(premises, kind="fire") == await listed(premises, state="closed") == []
    page = await premises.ask("guard", "access.list_alarms", site_id=premises.ids["site"], limit=1)
    rest = await premises.ask(
        "guard", "access.list_alarms", site_id=premises.ids["site"], cursor=page.next_cursor
    )
    assert [*page.items, *rest.items] == [newest, oldest]


async def test_of_two_guards_one_has_the_alarm_and_the_other_hears_who(premises: Premises, door: Gate):
    alarm = await sounded(premises, door)

    answers = await premises.house.at_once(
        *(premises.ask(who, "access.acknowledge_alarm", alarm_id=alarm) for who in ("guard", "manager"))
    )

    [refusal] = [answer for answer in answers if isinstance(answer, AlarmTaken)]
    [taken] = [answer for answer in answers if not isinstance(answer, Exception)]
    assert refusal.detail == f"{taken.acknowledged_by_name} has this alarm" and refusal.status == 409
    again = await premises.ask(taken.acknowledged_by_name, "access.acknowledge_alarm", alarm_id=alarm)
    assert again == taken
    assert len(await premises.named("gate.alarm_acknowledged")) == 1


async def test_an_alarm_is_closed_with_a_note_when_it_is_over_or_by_force(
    premises: Premises, entrance: Gate, door: Gate
):
    over, sounds = await sounded(premises, entrance), await sounded(premises, door)
    await entrance.report(sounding(entrance, "alarm_off"))

    with pytest.raises(AlarmNotOver):
        await premises.ask("guard", "access.close_alarm", alarm_id=sounds, note="a parcel")
    with pytest.raises(Invalid, match="note"):
        await premises.ask("guard", "access.close_alarm", alarm_id=over, note="")
    forced = await premises.ask(
        "guard", "access.close_alarm", alarm_id=sounds, note="sensor broken", force=True
    )
    closed = await premises.ask("manager", "access.close_alarm", alarm_id=over, note="a parcel")

    assert (forced.state, forced.note, forced.closed_by_name) == ("closed", "sensor broken", "guard")
    assert (closed.state, closed.closed_at) == ("closed", premises.now)
    with pytest.raises(AlarmTaken, match="manager has closed"):
        await premises.ask("guard", "access.close_alarm", alarm_id=over, note="again")
    with pytest.raises(AlarmTaken, match="manager has closed"):
        await premises.ask("guard", "access.acknowledge_alarm", alarm_id=over)
    # the gate still sounds: that is another alarm
    assert await sounded(premises, door) not in (over, sounds)


async def test_what_is_over_is_closed_and_no_longer_taken_on(premises: Premises, door: Gate):
    alarm = await sounded(premises, door)
    await door.report(sounding(door, "alarm_off"))

    with pytest.raises(AlarmTaken, match="is over"):
        await premises.ask("guard", "access.acknowledge_alarm", alarm_id=alarm)


async def test_an_alarm_that_nobody_has_taken_on_in_a_minute_escalates_once(
    premises: Premises, entrance: Gate, door: Gate
):
    unattended, attended = await sounded(premises, entrance), await sounded(premises, door)
    await premises.ask("guard", "access.acknowledge_alarm", alarm_id=attended)

    premises.house.clock.advance(seconds=59)
    assert await premises.serve("access.escalate_alarms") == 0
    premises.house.clock.advance(seconds=1)
    rounds = await asyncio.gather(*(premises.serve("access.escalate_alarms") for _ in range(2)))
    assert sorted(rounds) == [0, 1]

    [told] = await premises.named("gate.alarm_escalated")
    assert (told.alarm_id, told.alarm) == (unattended, "held_open")
    assert (await listed(premises))[1].escalated_at == premises.now


async def test_the_desk_sees_alarms_and_guards_see_to_them(premises: Premises, door: Gate):
    alarm = await sounded(premises, door)

    assert len(await listed(premises, "desk")) == 1
    for who in ("desk", "member"):
        with pytest.raises(Forbidden):
            await premises.ask(who, "access.acknowledge_alarm", alarm_id=alarm)
    with pytest.raises(NotFound):
        await premises.ask("guard", "access.acknowledge_alarm", alarm_id=999)
