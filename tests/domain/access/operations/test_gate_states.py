"""What gates say of themselves is shown, and where it is bad it is an alarm once, until it is well again.

Proves: domain/access/operations/gate_states.py, domain/access/operations/conditions.py,
domain/access/queries/gate_health.py
"""

import asyncio
from typing import Any

from sqlalchemy import select

from domain.access.operations.gate_states import Born, Pulse
from domain.access.queries.gate_items import gate_items
from domain.access.tables.alarms import AlarmRow
from domain.access.tables.list_reports import ListReportRow
from domain.kernel.caller import SERVICE
from tests.premises import Premises

BORN = Born(
    firmware="1.4.2",
    hardware="gk-200",
    capabilities=("qr", "nfc"),
    directions=("in", "out"),
    time_zone="Europe/Moscow",
    journal_low=3,
    journal_high=4,
    list_revision=7,
    config_revision=2,
)
EPOCH = b"epoch001"


async def birth(premises: Premises, born: Born = BORN, gate: str = "entrance", session: int = 1) -> None:
    about = {"gate_id": premises.ids[gate], "epoch": EPOCH, "session": session}
    await premises.serve("access.report_birth", born=born, **about)


async def death(premises: Premises, gate: str = "entrance", session: int = 1) -> None:
    about = {"gate_id": premises.ids[gate], "epoch": EPOCH, "session": session}
    await premises.serve("access.report_death", **about)


async def pulse(premises: Premises, gate: str = "entrance", **said: Any) -> None:
    given = {"session": 1, "last_seq": 4, "queue_depth": 2, **said}
    await premises.serve("access.report_pulses", pulses=[Pulse(gate_id=premises.ids[gate], **given)])


async def seen(premises: Premises, gate: str = "entrance") -> Any:
    return await premises.ask("guard", "access.get_gate", gate_id=premises.ids[gate])


async def alarms(premises: Premises) -> list[tuple[str, str, int]]:
    async with premises.house.runtime.readers() as db:
        rows = await db.scalars(select(AlarmRow).order_by(AlarmRow.id))
        return [(row.kind, row.state, row.count) for row in rows]


async def test_a_birth_tells_what_the_device_is(premises: Premises):
    await birth(premises)

    gate = await seen(premises)
    assert (gate.firmware, gate.link) == ("1.4.2", "online")
    health = gate.health
    assert (health.hardware, health.time_zone, health.config_revision) == ("gk-200", "Europe/Moscow", 2)
    assert (list(health.capabilities), list(health.directions)) == (["qr", "nfc"], ["in", "out"])
    assert (health.journal_low, health.journal_high, health.list_revision) == (3, 4, 7)


async def test_a_heartbeat_tells_how_the_device_is(premises: Premises):
    await birth(premises)

    await pulse(
        premises, uptime_s=86400, rssi=-61, temperature=38.5, battery=97, power="mains", clock_offset_ms=-12
    )

    gate = await seen(premises)
    health = gate.health
    assert (health.uptime_s, health.rssi, health.temperature) == (86400, -61, 38.5)
    assert (health.battery, health.power, gate.clock_offset_ms, gate.queue_depth) == (97, "mains", -12, 2)


async def test_the_screen_is_told_the_same(premises: Premises):
    await birth(premises)
    await pulse(premises, battery=12)

    async with premises.house.runtime.readers() as db:
        ctx = premises.house.runtime.context(SERVICE, db)
        (item, _) = (await gate_items(ctx, site_id=premises.ids["site"]))[premises.ids["site"]]
    assert (item.data.health, item.data.device_enabled) == ((await seen(premises)).health, True)
    (signal,) = premises.house.signals
    assert signal.data.items[0].data.health.battery == 12


async def test_the_first_report_of_each_list_is_kept(premises: Premises):
    await birth(premises)
    began = premises.now
    for revision in (7, 8, 8, 0):
        premises.house.clock.advance(seconds=10)
        await pulse(premises, list_revision=revision)

    async with premises.house.runtime.readers() as db:
        rows = await db.scalars(select(ListReportRow).order_by(ListReportRow.revision))
        told = [(row.revision, (row.reported_at - began).total_seconds()) for row in rows]
    assert told == [(7, 0.0), (8, 20.0)]
    assert (await seen(premises)).health.list_revision == 8


async def test_a_clock_that_is_off_is_one_alarm_until_it_is_right(premises: Premises):
    for offset_ms in (5001, -60000, 3000):
        await pulse(premises, clock_offset_ms=offset_ms)
    assert await alarms(premises) == [("clock", "raised", 1)]

    await pulse(premises)
    assert await alarms(premises) == [("clock", "raised", 1)]

    await pulse(premises, clock_offset_ms=100)
    assert await alarms(premises) == [("clock", "cleared", 1)]


async def test_battery_and_power_are_alarms_of_their_own(premises: Premises):
    await pulse(premises, battery=14, power="battery")
    await pulse(premises, battery=13, power="battery")
    await pulse(premises, battery=80, power="mains")
    await pulse(premises, battery=14, power="battery")

    assert await alarms(premises) == [
        ("battery", "cleared", 1),
        ("psu", "cleared", 1),
        ("battery", "raised", 1),
        ("psu", "raised", 1),
    ]


async def test_many_heartbeats_at_once_raise_one_alarm(premises: Premises):
    await asyncio.gather(*(pulse(premises, battery=1) for _ in range(8)))

    assert await alarms(premises) == [("battery", "raised", 1)]


async def test_a_gate_without_a_link_is_lost_after_a_minute_and_found_when_it_is_back(premises: Premises):
    await birth(premises)
    await death(premises)
    premises.house.clock.advance(seconds=59)
    await premises.serve("access.watch_links")
    assert await alarms(premises) == []

    premises.house.clock.advance(seconds=1)
    for _ in range(3):
        await premises.serve("access.watch_links")
    assert await alarms(premises) == [("gate_lost", "raised", 1)]

    await birth(premises, session=2)
    await premises.serve("access.watch_links")
    assert await alarms(premises) == [("gate_lost", "cleared", 1)]


async def test_a_gate_that_falls_silent_is_lost_too(premises: Premises):
    await birth(premises)
    premises.house.clock.advance(seconds=36)
    await premises.serve("access.notice_silence")
    premises.house.clock.advance(seconds=60)

    await premises.serve("access.watch_links")

    assert await alarms(premises) == [("gate_lost", "raised", 1)]


async def test_a_gate_that_never_came_is_not_lost_nor_one_that_was_switched_off(premises: Premises):
    gate_id = premises.ids["entrance"]
    await premises.ask("manager", "access.provision_gate", gate_id=gate_id)
    await birth(premises)
    await premises.ask("manager", "access.disable_device", gate_id=gate_id, reason="stolen")
    await death(premises)
    premises.house.clock.advance(hours=1)

    await premises.serve("access.watch_links")

    assert await alarms(premises) == []


async def test_several_processes_that_watch_raise_an_alarm_once(premises: Premises):
    await birth(premises)
    await death(premises)
    premises.house.clock.advance(seconds=61)

    await asyncio.gather(*(premises.serve("access.watch_links") for _ in range(6)))

    assert await alarms(premises) == [("gate_lost", "raised", 1)]
