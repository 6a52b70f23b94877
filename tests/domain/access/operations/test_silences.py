"""A gate whose feed falls silent among busy peers is an alarm; a night, a holiday or a fresh start is none.

Proves: domain/access/operations/silences.py, domain/access/queries/traffic.py, domain/access/followers.py
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.access.followers import span_of
from domain.access.queries.traffic import same_quarters
from domain.access.tables.alarms import AlarmRow
from domain.access.tables.traffic import TrafficRow
from domain.kernel.followers import Followers
from domain.kernel.sequencer import Sequencer
from tests.premises import Gate, Premises

EPOCH = b"epoch001"


@pytest.fixture
async def lanes(premises: Premises) -> dict[str, int]:
    """Three lanes of one entrance, online for an hour."""
    site_id, hall = premises.ids["site"], premises.ids["hall"]
    ids = {"a": premises.ids["entrance"]}
    for name in ("b", "c"):
        made = await premises.ask(
            "manager", "access.create_gate", site_id=site_id, name=name, to_zone_id=hall
        )
        ids[name] = made.gate_id
    for gate_id in ids.values():
        await premises.serve("access.report_birth", gate_id=gate_id, epoch=EPOCH, session=1)
    premises.house.clock.advance(hours=1)
    return ids


async def pass_through(
    premises: Premises, gate_id: int, *, recent: int = 0, before: int = 0, usual: int = 0, denied: int = 0
) -> None:
    """Have this many passed: in the last five minutes, in each five before, and at this hour in all weeks before."""
    minute = premises.now.replace(second=0, microsecond=0)
    rows = [(1, minute - timedelta(minutes=2), recent, 20, denied)]
    rows += [(1, minute - timedelta(minutes=7 + 5 * step), before, 20, denied) for step in range(3)]
    quarters = same_quarters(premises.now - timedelta(minutes=2.5), "Europe/Moscow")
    rows += [(15, quarter, 3 * usual, 0, 0) for quarter in quarters]
    async with premises.house.runtime.sessions.begin() as db:
        for minutes, began_at, passages, admitted, refused in rows:
            row = TrafficRow(gate_id=gate_id, minutes=minutes, began_at=began_at, passages=passages)
            row.admitted, row.denied = admitted, refused
            await db.merge(row)


async def watch(premises: Premises) -> list[tuple[int, str, str, int]]:
    await premises.serve("access.watch_traffic")
    async with premises.house.runtime.readers() as db:
        rows = await db.scalars(select(AlarmRow).order_by(AlarmRow.id))
        return [(row.gate_id or 0, row.kind, row.state, row.count) for row in rows]


async def busy(premises: Premises, *gate_ids: int) -> None:
    for gate_id in gate_ids:
        await pass_through(premises, gate_id, recent=30, before=30, usual=30)


async def test_a_lane_that_is_usually_busy_and_sees_nobody_is_silent(
    premises: Premises, lanes: dict[str, int]
):
    await busy(premises, lanes["b"], lanes["c"])
    await pass_through(premises, lanes["a"], usual=30)

    assert await watch(premises) == [(lanes["a"], "silent", "raised", 1)]
    assert await watch(premises) == [(lanes["a"], "silent", "raised", 1)]

    await pass_through(premises, lanes["a"], recent=20, usual=30)
    assert await watch(premises) == [(lanes["a"], "silent", "cleared", 1)]


async def test_the_night_clears_no_alarm(premises: Premises, lanes: dict[str, int]):
    await busy(premises, lanes["b"], lanes["c"])
    await pass_through(premises, lanes["a"], usual=30)
    await watch(premises)

    for gate_id in lanes.values():
        await pass_through(premises, gate_id)

    assert await watch(premises) == [(lanes["a"], "silent", "raised", 1)]


async def test_a_lane_whose_flow_breaks_off_among_steady_peers_is_silent(
    premises: Premises, lanes: dict[str, int]
):
    await busy(premises, lanes["b"], lanes["c"])
    await pass_through(premises, lanes["a"], recent=3, before=30)

    assert await watch(premises) == [(lanes["a"], "silent", "raised", 1)]


async def test_a_holiday_is_no_alarm(premises: Premises, lanes: dict[str, int]):
    for gate_id in lanes.values():
        await pass_through(premises, gate_id, usual=30)

    assert await watch(premises) == []


@pytest.mark.parametrize("how", ["offline", "just back", "out of service", "locked", "just ordered"])
async def test_a_lane_that_cannot_be_compared_is_no_alarm(
    premises: Premises, lanes: dict[str, int], how: str
):
    lane, about = lanes["a"], {"gate_id": lanes["a"], "epoch": EPOCH}
    if how in ("offline", "just back"):
        await premises.serve("access.report_death", session=1, **about)
    if how == "just back":
        await premises.serve("access.report_birth", session=2, **about)
    if how == "out of service":
        await premises.ask("manager", "access.change_gate", gate_id=lane, enabled=False)
    if how in ("locked", "just ordered"):
        await premises.ask("guard", "access.order_gate", gate_id=lane, mode="locked", reason="a repair")
    if how == "just ordered":
        await premises.ask("guard", "access.order_gate", gate_id=lane, mode="normal", reason="repaired")
    await busy(premises, lanes["b"], lanes["c"])
    await pass_through(premises, lane, usual=30)

    assert await watch(premises) == []


async def test_gates_of_other_zones_are_no_peers(premises: Premises, lanes: dict[str, int]):
    await premises.serve("access.report_birth", gate_id=premises.ids["door"], epoch=EPOCH, session=1)
    premises.house.clock.advance(hours=1)
    await busy(premises, premises.ids["door"])
    await pass_through(premises, lanes["a"], usual=30)

    assert await watch(premises) == []


async def test_a_lane_that_denies_far_more_than_its_peers_is_an_alarm(
    premises: Premises, lanes: dict[str, int]
):
    await busy(premises, *lanes.values())
    await pass_through(premises, lanes["a"], recent=30, before=30, denied=20)

    assert await watch(premises) == [(lanes["a"], "denying", "raised", 1)]

    await busy(premises, lanes["a"])
    assert await watch(premises) == [(lanes["a"], "denying", "cleared", 1)]


async def test_what_gates_report_live_is_counted_once(premises: Premises, entrance: Gate):
    decisions = [entrance.event("decision", admit=admit, direction="in") for admit in (True, True, False)]
    passages = [entrance.event(direction="in"), entrance.event(direction="in", historical=True)]
    await entrance.report(*decisions, *passages, entrance.event("boot"))
    await entrance.report(*decisions)
    await follow(premises)
    premises.house.clock.advance(minutes=1)
    await entrance.report(entrance.event(direction="out"))
    await follow(premises)

    minute = span_of(premises.now, 1)
    assert await counted(premises, 1) == [
        (minute - timedelta(minutes=1), 1, 2, 1),
        (minute, 1, 0, 0),
    ]
    assert await counted(premises, 15) == [(span_of(premises.now, 15), 2, 2, 1)]


async def test_what_is_old_is_forgotten(premises: Premises, lanes: dict[str, int]):
    await pass_through(premises, lanes["a"], recent=5, usual=5)
    premises.house.clock.advance(weeks=2)

    await watch(premises)

    assert await counted(premises, 1) == []
    assert len(await counted(premises, 15)) == 2, "of four weeks, two are older than five by now"


def test_the_same_quarter_is_that_of_the_clock_on_the_wall():
    """In Berlin summer time ended on 25 October 2026: nine o'clock was an hour earlier by UTC before."""
    moment = datetime(2026, 10, 28, 8, 7, tzinfo=UTC)

    last, before, *_ = same_quarters(moment, "Europe/Berlin")

    assert (last, before) == (
        datetime(2026, 10, 21, 7, 0, tzinfo=UTC),
        datetime(2026, 10, 14, 7, 0, tzinfo=UTC),
    )


async def follow(premises: Premises) -> None:
    """Number the facts, and have the follower take them."""
    sessions = premises.house.runtime.sessions
    await Sequencer(sessions, "test").place()
    one: Any = premises.house.catalogue.followers["access.traffic"]
    followers = Followers({one.name: one}, sessions)
    for _ in range(3):
        await followers.move(one)


async def counted(premises: Premises, minutes: int) -> list[tuple[datetime, int, int, int]]:
    async with premises.house.runtime.readers() as db:
        chosen = select(TrafficRow).where(TrafficRow.minutes == minutes).order_by(TrafficRow.began_at)
        return [(r.began_at, r.passages, r.admitted, r.denied) for r in await db.scalars(chosen)]
