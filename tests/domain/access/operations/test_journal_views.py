"""What is missing of a journal is told as ranges, and is an alarm when it was asked for and did not come.

Proves: domain/access/operations/journal_views.py, domain/access/queries/gate_items.py
"""

from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import select

from domain.access.operations.recording import Poison
from domain.access.queries.gate_items import gate_items
from domain.access.tables.alarms import AlarmRow
from domain.kernel.caller import SERVICE
from tests.premises import Gate, Premises


async def journals(premises: Premises, gate: str = "entrance") -> Any:
    return await premises.ask("guard", "access.list_journals", gate_id=premises.ids[gate])


async def ask_again(premises: Premises, gate: Gate) -> None:
    await premises.serve("access.note_asked", journals=[(gate.gate_id, gate.epoch)])


async def alarms(premises: Premises) -> list[tuple[str, str, int]]:
    async with premises.house.runtime.readers() as db:
        rows = await db.scalars(select(AlarmRow).order_by(AlarmRow.id))
        return [(row.kind, row.state, row.count) for row in rows]


async def watch(premises: Premises, after_s: float = 0) -> list[tuple[str, str, int]]:
    premises.house.clock.advance(seconds=after_s)
    await premises.serve("access.watch_gaps")
    return await alarms(premises)


async def test_a_whole_journal_misses_nothing(premises: Premises, entrance: Gate):
    await entrance.report(*(entrance.event("boot") for _ in range(5)))

    told = await journals(premises)

    (life,) = told.lives
    assert (told.missing, told.quarantined) == (0, 0)
    assert (life.epoch, life.watermark, life.highest, list(life.gaps)) == (entrance.epoch.hex(), 5, 5, [])
    assert life.first_seen_at == premises.now


async def test_holes_are_ranges_with_both_ends(premises: Premises, entrance: Gate):
    events = [entrance.event("boot") for _ in range(10)]
    await entrance.report(events[0], events[3], events[4], events[8])

    (life,) = (await journals(premises)).lives

    assert (life.missing, list(life.gaps)) == (5, [(2, 3), (6, 8)])
    async with premises.house.runtime.readers() as db:
        items = await gate_items(premises.house.runtime.context(SERVICE, db), [entrance.gate_id])
    # until its birth nobody knows which life is the one of now
    assert items[premises.ids["site"]][0].data.missing == 0


async def test_the_screen_counts_what_is_really_missing(premises: Premises, entrance: Gate):
    about = {"gate_id": entrance.gate_id, "epoch": entrance.epoch, "session": 1}
    await premises.serve("access.report_birth", **about)
    events = [entrance.event("boot") for _ in range(10)]
    await entrance.report(events[0], *events[5:])
    junk = Poison(topic="up/hb", reason="b: missing", payload=b"{}", gate_id=entrance.gate_id)
    await premises.serve("access.record", events=[], poison=[junk, junk])

    async with premises.house.runtime.readers() as db:
        items = await gate_items(premises.house.runtime.context(SERVICE, db), [entrance.gate_id])

    shown = items[premises.ids["site"]][0].data
    assert (shown.missing, shown.quarantined, shown.last_seq, shown.acknowledged_seq) == (4, 2, 10, 1)


async def test_each_life_of_a_gate_is_told_apart(premises: Premises, entrance: Gate):
    old = [entrance.event("boot") for _ in range(3)]
    await entrance.report(old[0], old[2])
    premises.house.clock.advance(hours=1)
    reborn = Gate(premises, entrance.gate_id, epoch=b"epoch002")
    await reborn.report(reborn.event("journal_lost"))
    await premises.serve("access.report_birth", gate_id=entrance.gate_id, epoch=reborn.epoch, session=1)

    told = await journals(premises)

    assert told.missing == 1
    assert [(life.epoch, life.current, life.missing) for life in told.lives] == [
        (reborn.epoch.hex(), True, 0),
        (entrance.epoch.hex(), False, 1),
    ]


async def test_a_hole_that_is_not_filled_for_a_minute_is_one_alarm(premises: Premises, entrance: Gate):
    events = [entrance.event("boot") for _ in range(3)]
    await entrance.report(events[0], events[2])
    assert await watch(premises, after_s=3600) == [], "nobody has asked for it yet"

    await ask_again(premises, entrance)
    premises.house.clock.advance(seconds=50)
    await ask_again(premises, entrance)
    assert await watch(premises, after_s=9) == []
    assert await watch(premises, after_s=1) == [("gap", "raised", 1)]
    assert await watch(premises, after_s=600) == [("gap", "raised", 1)]

    await entrance.report(events[1])
    assert await watch(premises) == [("gap", "cleared", 1)]
    (life,) = (await journals(premises)).lives
    assert (life.missing, life.asked_at) == (0, None)


async def test_a_hole_that_is_filled_in_time_is_no_alarm(premises: Premises, entrance: Gate):
    events = [entrance.event("boot") for _ in range(3)]
    await entrance.report(events[0], events[2])
    await ask_again(premises, entrance)
    await watch(premises, after_s=30)
    await entrance.report(events[1])

    assert await watch(premises, after_s=3600) == []


async def test_an_alarm_about_a_lost_life_comes_once(premises: Premises, entrance: Gate):
    events = [entrance.event("boot") for _ in range(3)]
    await entrance.report(events[0], events[2])
    await ask_again(premises, entrance)
    await watch(premises, after_s=60)
    async with premises.house.runtime.sessions.begin() as db:
        alarm = (await db.scalars(select(AlarmRow))).one()
        alarm.state, alarm.closed_at = "closed", premises.now

    assert await watch(premises, after_s=3600) == [("gap", "closed", 1)]


LIVES = count(1)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(there=some.sets(some.integers(1, 40), min_size=1, max_size=25))
async def test_what_is_told_to_be_missing_is_what_is_missing(premises: Premises, there: set[int]):
    gate = Gate(premises, premises.ids["door"], epoch=next(LIVES).to_bytes(8))
    events = [gate.event("boot") for _ in range(40)]
    await gate.report(*(event for event in events if event.seq in there))

    (told,) = [one for one in (await journals(premises, "door")).lives if one.epoch == gate.epoch.hex()]

    missing = {seq for first, last in told.gaps for seq in range(first, last + 1)}
    assert missing == set(range(1, max(there) + 1)) - there
    assert (told.missing, told.highest) == (len(missing), max(there))
