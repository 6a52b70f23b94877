"""An alarm is one row per gate and kind while it is open, however often and by how many it is raised."""

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from domain.access.tables.alarms import AlarmRow
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
