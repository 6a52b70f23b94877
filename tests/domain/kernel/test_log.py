"""The log holds facts as they were given, in the order they were given."""

from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import select, update

from domain.kernel import log
from domain.kernel.caller import SERVICE
from domain.kernel.database import Sessions
from domain.kernel.log import FactRow, UnpublishedRow
from tests.toy import EVENTS, CounterRaised, Toy

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def write(toy: Toy, writers: Sessions, *raises: int) -> list[log.Fact]:
    async with writers.begin() as db:
        ctx = toy.runtime.context(SERVICE, db, "c1")
        for by in raises:
            ctx.emit(CounterRaised(counter_id=by % 7, by=by))
        return await log.write(ctx)


async def test_five_hundred_facts_keep_their_order(toy: Toy, writers: Sessions):
    facts = await write(toy, writers, *range(500))

    async with writers() as db:
        rows = list(await db.scalars(select(FactRow).order_by(FactRow.id)))
    assert [row.body["by"] for row in rows] == [fact.event.by for fact in facts] == list(range(500))  # type: ignore[attr-defined]  # they are all raises
    assert [row.id for row in rows] == [fact.id for fact in facts]
    assert [log.revive(row, EVENTS, rush=facts[-1].id) for row in rows] == facts


async def test_nothing_emitted_writes_nothing(toy: Toy, writers: Sessions):
    assert await write(toy, writers) == []


async def test_texts_of_any_alphabet_survive(toy: Toy, writers: Sessions):
    async with writers.begin() as db:
        ctx = toy.runtime.context(SERVICE, db, "заявка \"'\\ 🚪")
        ctx.emit(CounterRaised(counter_id=1, by=1))
        [fact] = await log.write(ctx)

    async with writers() as db:
        row = (await db.scalars(select(FactRow))).one()
    assert log.revive(row, EVENTS) == fact


async def test_a_fact_is_overdue_until_it_is_published(toy: Toy, writers: Sessions):
    facts = await write(toy, writers, 1, 2, 3)
    later = toy.runtime.clock() + timedelta(seconds=1)

    async with writers.begin() as db:
        assert await log.overdue(db, EVENTS, before=later - timedelta(minutes=1)) == []
        assert await log.overdue(db, EVENTS, before=later, limit=2) == facts[:2]
        await log.published(db, [fact.id for fact in facts[:2]])

    async with writers.begin() as db:
        assert await log.overdue(db, EVENTS, before=later) == facts[2:]


async def test_many_facts_of_one_transaction_are_noted_in_one_row(toy: Toy, writers: Sessions):
    facts = await write(toy, writers, *range(log.MANY + 1))
    few = await write(toy, writers, 1, 2)
    later = toy.runtime.clock() + timedelta(seconds=1)

    async with writers.begin() as db:
        assert len((await db.scalars(select(UnpublishedRow.fact_id))).all()) == 3
        assert await log.overdue(db, EVENTS, before=later, limit=10) == facts
        await log.published(db, [facts[0].noted])

    async with writers.begin() as db:
        assert await log.overdue(db, EVENTS, before=later, limit=10) == few


async def test_a_fact_of_the_next_version_holds_nothing_up(toy: Toy, writers: Sessions):
    facts = await write(toy, writers, 1, 2)
    async with writers.begin() as db:
        await db.execute(update(FactRow).where(FactRow.id == facts[0].id).values(name="counter.of_tomorrow"))

    async with writers.begin() as db:
        later = toy.runtime.clock() + timedelta(seconds=1)
        assert await log.overdue(db, EVENTS, before=later) == facts[1:]


async def test_two_relays_never_take_the_same_fact(toy: Toy, writers: Sessions):
    facts = await write(toy, writers, 1, 2)
    later = toy.runtime.clock() + timedelta(seconds=1)

    async with writers.begin() as one, writers.begin() as other:
        assert await log.overdue(one, EVENTS, before=later, limit=1) == facts[:1]
        assert await log.overdue(other, EVENTS, before=later) == facts[1:]


async def test_a_fact_without_its_note_is_nobodys(toy: Toy, writers: Sessions):
    await write(toy, writers, 1)
    async with writers.begin() as db:
        [noted] = await db.scalars(select(UnpublishedRow.fact_id))
        await log.published(db, [noted])

    async with writers.begin() as db:
        assert await log.overdue(db, EVENTS, before=NOW + timedelta(days=36500)) == []


def test_an_envelope_is_a_cloud_event():
    fact = log.Fact(
        id=9, event=CounterRaised(counter_id=4, by=2), seq=3, actor="user:7", correlation="c", at=NOW
    )

    envelope = fact.envelope("https://gatehouse.example")

    assert msgspec.json.decode(msgspec.json.encode(envelope)) == {
        "specversion": "1.0",
        "id": "9",
        "source": "https://gatehouse.example",
        "type": "counter.raised",
        "subject": "counter/4",
        "time": "2026-11-21T12:00:00+00:00",
        "datacontenttype": "application/json",
        "seq": 3,
        "correlationid": "c",
        "actor": "user:7",
        "data": {"counterId": 4, "by": 2},
    }
