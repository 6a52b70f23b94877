"""Days that had their term at a site are dropped, noted, and told apart from rows that vanished.

Proves: domain/access/operations/retention.py, domain/access/operations/omissions.py
"""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from domain.kernel.caller import SERVICE
from domain.kernel.errors import Busy, Forbidden, Invalid
from tests.eventually import eventually
from tests.premises import Gate, Premises
from tests.reports import Reporter, expect_guest, meddle, seal

DAY = date(2026, 3, 2)


async def drop(premises: Premises) -> list[int]:
    """Drop what had its term, until nothing goes any more."""
    taken = []
    while count := await premises.house.call(SERVICE, "access.drop_days"):
        taken.append(count)
    while await premises.house.call(SERVICE, "access.drop_leftovers"):
        pass
    return taken


async def rows(premises: Premises, table: str) -> int:
    async with premises.house.runtime.readers() as db:
        return await db.scalar(text(f"SELECT count(*) FROM {table}")) or 0


async def partitions(premises: Premises) -> list[str]:
    async with premises.house.runtime.readers() as db:
        names = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'access_log'::regclass ORDER BY 1"
        return [name for name in await db.scalars(text(names)) if name < "access_log_202604"]


async def noted(premises: Premises, site: str = "site") -> list[tuple[Any, ...]]:
    listed = await premises.ask("admin", "access.list_log_omissions", site_id=premises.ids[site])
    return [(one.day, one.kind, one.events, one.unreadable, one.term_days) for one in listed.items]


async def findings(premises: Premises, gate: str = "entrance") -> list[str]:
    proof = await premises.ask("admin", "access.verify_gate", gate_id=premises.ids[gate])
    return [finding.problem for finding in proof.findings]


@pytest.fixture
async def open_house(premises: Premises) -> Premises:
    """Premises whose days are open, and a second site with a gate of its own."""
    await premises.house.call(SERVICE, "access.open_days")
    other = premises.ids["other site"] = await premises.house.site("Elsewhere")
    zone = await premises.ask("admin", "access.create_zone", site_id=other, name="yard")
    gate = await premises.ask(
        "admin", "access.create_gate", site_id=other, name="barrier", to_zone_id=zone.zone_id
    )
    premises.ids["barrier"] = gate.gate_id
    return premises


async def elsewhere(premises: Premises, count: int = 1) -> Reporter:
    """Have the gate of the other site report."""
    there = Reporter(premises, gate="barrier")
    premises.ids["site"], here = premises.ids["other site"], premises.ids["site"]
    await there.report(count, "boot")
    premises.ids["site"] = here
    return there


async def test_a_day_that_had_its_term_everywhere_goes_as_a_whole(open_house: Premises):
    await Reporter(open_house).report(5)
    await elsewhere(open_house, 3)
    assert "access_log_20260302" in await partitions(open_house)

    open_house.house.clock.now = datetime(2026, 5, 31, 23, 59, tzinfo=UTC)
    assert await drop(open_house) == []
    open_house.house.clock.now = datetime(2026, 6, 1, tzinfo=UTC)
    assert await drop(open_house) == [8]

    assert "access_log_20260302" not in await partitions(open_house)
    assert (await rows(open_house, "access_log"), await rows(open_house, "access_keys")) == (0, 8)
    assert await noted(open_house) == [(DAY, "dropped", 5, 0, 90)]
    assert await noted(open_house, "other site") == [(DAY, "dropped", 3, 0, 90)]


async def test_a_shorter_term_takes_the_rows_of_its_site_alone(
    open_house: Premises, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("domain.access.operations.days.AT_ONCE", 2)
    await Reporter(open_house).report(5)
    await elsewhere(open_house, 3)
    await open_house.ask("manager", "access.set_retention", site_id=open_house.ids["site"], days=1)

    open_house.house.clock.now = datetime(2026, 3, 4, 0, 5, tzinfo=UTC)
    assert await drop(open_house) == [2, 2, 1]

    assert "access_log_20260302" in await partitions(open_house)
    assert await rows(open_house, "access_log") == 3
    assert await noted(open_house) == [(DAY, "dropped", 5, 0, 1)]
    assert await noted(open_house, "other site") == []


async def test_rows_of_days_that_nobody_opened_go_too(premises: Premises):
    await Reporter(premises).report(4)
    premises.house.clock.now = datetime(2026, 6, 1, tzinfo=UTC)

    assert await drop(premises) == [4]
    assert await noted(premises) == [(DAY, "dropped", 4, 0, 90)]


async def test_what_was_dropped_is_no_finding_and_what_vanished_stays_one(open_house: Premises):
    gate = Reporter(open_house)
    await gate.report(5)
    await gate.send([], (gate.unreadable(),))
    await meddle(open_house, "DELETE FROM access_log WHERE seq = 3")
    open_house.house.clock.now = datetime(2026, 6, 1, tzinfo=UTC)
    await gate.report(2)
    assert await findings(open_house) == ["came and is in the log no more"]

    await drop(open_house)

    proof = await open_house.ask("admin", "access.verify_gate", gate_id=open_house.ids["entrance"])
    (journal,) = proof.journals
    assert (journal.first, journal.last, journal.events, journal.dropped) == (7, 8, 2, 6)
    assert await noted(open_house) == [(DAY, "dropped", 4, 1, 90)], "what had vanished is not among it"
    assert await rows(open_house, "quarantine") == 0


async def test_visits_decisions_and_strangers_messages_have_the_same_term(premises: Premises, entrance: Gate):
    window = {"start": premises.now.isoformat(), "end": (premises.now + timedelta(hours=1)).isoformat()}
    guest = await premises.ask("member", "access.create_guest_pass", guest_name="Ada", **window)
    decision = await entrance.scan(guest.qr_token)
    await premises.serve("access.write_decisions", decisions=[decision])
    await premises.ask("desk", "access.log_visit", guest_pass_id=guest.guest_pass_id, action="enter")
    await meddle(
        premises, "INSERT INTO quarantine (received_at, topic, gate_id, reason, payload) "
        "VALUES ('2026-03-02', 'up/evt', 999, 'gate: there is no such gate', '')",
    )  # fmt: skip
    tables = ("visits", "decisions", "quarantine", "access_log")
    assert [await rows(premises, table) for table in tables] == [1, 1, 1, 1]

    premises.house.clock.now = datetime(2026, 6, 1, tzinfo=UTC)
    await drop(premises)

    assert [await rows(premises, table) for table in tables] == [0, 0, 0, 0]


async def test_nothing_within_an_incident_hold_is_dropped_until_it_is_released(open_house: Premises):
    await Reporter(open_house).report(5)
    await expect_guest(open_house)
    await open_house.ask("desk", "access.log_visit", guest_pass_id=1, action="enter")
    hold = await open_house.ask(
        "guard", "access.place_incident_hold", site_id=open_house.ids["site"], reason="a broken door",
        since=open_house.now.isoformat(), until=(open_house.now + timedelta(minutes=1)).isoformat(),
    )  # fmt: skip
    open_house.house.clock.now = datetime(2026, 6, 1, tzinfo=UTC)

    assert await drop(open_house) == []
    assert (await rows(open_house, "access_log"), await rows(open_house, "visits")) == (6, 1)

    await open_house.ask("manager", "access.release_incident_hold", incident_hold_id=hold.incident_hold_id)
    assert await drop(open_house) == [6]
    assert (await rows(open_house, "access_log"), await rows(open_house, "visits")) == (0, 0)


async def test_what_happened_in_a_hold_and_came_days_later_is_kept_too(open_house: Premises):
    happened = open_house.now
    gate = Reporter(open_house)
    late = gate.write(2)
    open_house.house.clock.advance(days=3)
    await gate.send(late)
    await open_house.ask(
        "guard", "access.place_incident_hold", site_id=open_house.ids["site"], reason="a broken door",
        since=happened.isoformat(), until=(happened + timedelta(minutes=1)).isoformat(),
    )  # fmt: skip

    open_house.house.clock.now = datetime(2026, 7, 1, tzinfo=UTC)
    await drop(open_house)
    assert await rows(open_house, "access_log") == 2
    assert await partitions(open_house) == ["access_log_20260305"], "days of which nothing is kept went"


async def test_a_hold_that_is_placed_while_a_day_is_dropped_comes_first_or_finds_it_gone(
    open_house: Premises,
):
    await Reporter(open_house).report(5)
    open_house.house.clock.now = datetime(2026, 6, 1, tzinfo=UTC)
    window = {"since": "2026-03-02T00:00:00Z", "until": "2026-03-03T00:00:00Z"}

    await open_house.house.at_once(
        open_house.house.call(SERVICE, "access.drop_days"),
        open_house.ask(
            "guard", "access.place_incident_hold", site_id=open_house.ids["site"], reason="a theft", **window
        ),
        open_house.house.call(SERVICE, "access.drop_days"),
    )

    kept, notes = await rows(open_house, "access_log"), await noted(open_house)
    assert (kept, len(notes)) in {(5, 0), (0, 1)}, "whole, or dropped and noted"


async def test_ingestion_goes_on_while_a_day_is_dropped(open_house: Premises):
    """Somebody looks at the log for long: dropping must give up and not make reports queue behind it."""
    gate = Reporter(open_house)
    await gate.report(5)
    open_house.house.clock.now = datetime(2026, 6, 1, tzinfo=UTC)
    async with open_house.house.runtime.readers() as db:
        await db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        await db.scalar(text("SELECT count(*) FROM access_log"))
        dropping = asyncio.create_task(open_house.house.call(SERVICE, "access.drop_days"))

        async def it_waits() -> bool:
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
            return bool(await db.scalar(text(waiting)))

        await eventually(it_waits)
        async with asyncio.timeout(1.5):
            await gate.report(3)
        with pytest.raises(Busy):
            await dropping

    assert await drop(open_house) == [5]
    assert await rows(open_house, "access_log") == 3


async def test_days_are_dropped_by_one_at_a_time(open_house: Premises):
    await Reporter(open_house).report(5)
    open_house.house.clock.now = datetime(2026, 6, 1, tzinfo=UTC)

    answers = await open_house.house.at_once(
        *(open_house.house.call(SERVICE, "access.drop_days") for _ in range(4))
    )

    assert sorted(answers, key=str) == [0, 0, 0, 5]
    assert len(await noted(open_house)) == 1


async def test_a_term_is_ninety_days_until_a_manager_says_another(premises: Premises):
    site = premises.ids["site"]
    assert (await premises.ask("guard", "access.get_retention", site_id=site)).days == 90

    await premises.ask("manager", "access.set_retention", site_id=site, days=30)
    await premises.ask("manager", "access.set_retention", site_id=site, days=30)

    assert (await premises.ask("desk", "access.get_retention", site_id=site)).days == 30
    assert [fact.days for fact in await premises.named("site.retention_changed")] == [30]
    for days in (0, 3651):
        with pytest.raises(Invalid):
            await premises.ask("manager", "access.set_retention", site_id=site, days=days)
    with pytest.raises(Forbidden):
        await premises.ask("guard", "access.set_retention", site_id=site, days=1)


async def test_a_day_is_sealed_before_it_can_be_dropped_so_its_roots_stay(open_house: Premises):
    await Reporter(open_house).report(5)
    await seal(open_house)
    open_house.house.clock.now = datetime(2026, 6, 1, tzinfo=UTC)
    await drop(open_house)

    listed = await open_house.ask("manager", "access.list_log_roots", site_id=open_house.ids["site"])
    assert [one.count for one in listed.items] == [5]
