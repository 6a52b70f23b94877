"""A batch becomes rows and facts in one statement, and the facts are those that a program would have written."""

from datetime import timedelta

from sqlalchemy import text

from domain.access.events import AccessRecorded
from domain.access.operations.passages import Gate as Place
from domain.access.operations.recording import Logged, _seen
from domain.access.queries.log_entries import FIRST_ROWS
from domain.kernel import log
from domain.kernel.log import FactRow
from tests.premises import Gate, Premises


async def test_each_event_has_a_fact_with_what_stands_in_the_log(premises: Premises, entrance: Gate) -> None:
    await entrance.report(
        entrance.event("decision", admit=False, reason="expired", direction="in", rid="r1"),
        entrance.event("passage", direction="out", historical=True, at=premises.now - timedelta(minutes=3)),
        entrance.event("alarm_on", detail={"alarm": "jam"}, clock="unsure"),
    )
    async with premises.house.runtime.readers() as db:
        columns = "id, site_id, gate_id, kind, at, received_at, direction, admit, reason, historical"
        rows = (await db.execute(text(f"SELECT {columns} FROM access_log ORDER BY id"))).all()
    expected = [
        AccessRecorded(access_id=row.id, **dict(zip(row._fields[1:], row[1:], strict=True))) for row in rows
    ]

    assert await premises.named("access.recorded") == expected
    assert {
        (row.seq, row.aggregate_id, row.actor) for row in await premises.house.facts("access.recorded")
    } == {(1, row.id, "service") for row in rows}


async def test_the_facts_of_a_batch_are_noted_once_and_overdue_together(
    premises: Premises, entrance: Gate
) -> None:
    makers = premises.house.runtime.sessions
    async with makers.begin() as db:
        await db.execute(text("DELETE FROM unpublished"))
    await entrance.report(*(entrance.event(direction="in") for _ in range(120)))

    async with makers.begin() as db:
        (noted,) = (await db.execute(text("SELECT fact_id, first_id FROM unpublished"))).all()
        later = premises.now + timedelta(minutes=1)
        facts = await log.overdue(db, premises.house.catalogue.events, before=later, limit=50)
        assert [fact.event for fact in facts] == await premises.named("access.recorded")
        assert {fact.noted for fact in facts} == {noted.fact_id} == {facts[-1].id}
        await log.published(db, [noted.fact_id])

    async with makers.begin() as db:
        assert await log.overdue(db, premises.house.catalogue.events, before=later) == []


async def test_facts_of_others_between_those_of_a_batch_are_not_taken_for_its_own(
    premises: Premises, entrance: Gate
) -> None:
    makers = premises.house.runtime.sessions
    await entrance.report(entrance.event(), entrance.event())
    async with makers.begin() as db:
        await db.execute(text("DELETE FROM unpublished WHERE first_id IS NULL"))
        # as if a number had been given to another transaction in between
        await db.execute(text("UPDATE unpublished SET first_id = first_id - 1"))
        assert (await db.get_one(FactRow, (await last_noted(premises)) - 2)).name != "access.recorded"
        facts = await log.overdue(
            db, premises.house.catalogue.events, before=premises.now + timedelta(minutes=1)
        )
    assert [fact.event.name for fact in facts] == ["access.recorded"] * 2


async def last_noted(premises: Premises) -> int:
    async with premises.house.runtime.readers() as db:
        return int((await db.execute(text("SELECT max(fact_id) FROM unpublished"))).scalar_one())


async def test_of_a_rush_is_told_what_screens_have_room_for(
    premises: Premises, entrance: Gate, door: Gate
) -> None:
    site_id, hall = premises.ids["site"], premises.ids["hall"]
    gates = {gate.gate_id: Place(gate.gate_id, site_id, None, hall) for gate in (entrance, door)}
    early = [door.event("boot"), entrance.event("passage", direction="in"), entrance.event("cmd")]
    rush = [entrance.event("decision") for _ in range(2 * FIRST_ROWS)]
    logged = [
        Logged(event, number, number, premises.now) for number, event in enumerate(early + rush, start=1)
    ]

    seen = [one.fact_id for one in _seen(logged, gates)]

    assert seen == [1, 2, *range(len(logged) - FIRST_ROWS + 1, len(logged) + 1)]
