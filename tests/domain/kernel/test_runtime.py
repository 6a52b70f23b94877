"""One road into the domain: what commits, what is taken back, what is told."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.caller import ANONYMOUS, SERVICE
from domain.kernel.database import Sessions
from domain.kernel.errors import Busy, Forbidden, Invalid, Malformed, NotFound, Unauthenticated
from domain.kernel.idempotency import IdempotencyRow
from domain.kernel.log import FactRow, UnpublishedRow
from domain.kernel.queue import JobRow
from domain.kernel.runtime import decode
from tests.toy import MEMBER, CounterMade, LabelTaken, NoteRow, Toy, raise_counter


async def count(writers: Sessions, table: type) -> int:
    async with writers() as db:
        return await db.scalar(select(func.count()).select_from(table)) or 0


def impatient(engine: AsyncEngine) -> None:
    """Have connections that are made from now on wait 20 ms for a lock."""

    @event.listens_for(engine.sync_engine, "connect")
    def hurry(connection: Any, _: Any) -> None:
        connection.cursor().execute("SET lock_timeout = '20ms'")
        connection.commit()


async def test_an_answer_comes_with_its_facts_in_the_log_and_published(toy: Toy, writers: Sessions):
    counter_id = await toy.make()

    [(facts, _)] = toy.published
    assert [(fact.event, fact.seq, fact.actor) for fact in facts] == [
        (CounterMade(counter_id=counter_id), 1, "user:7")
    ]
    async with writers() as db:
        row = (await db.scalars(select(FactRow))).one()
    assert (row.id, row.name, row.aggregate, row.aggregate_id) == (
        facts[0].id,
        "counter.made",
        "counter",
        counter_id,
    )


async def test_the_facts_of_an_aggregate_are_numbered_one_by_one(toy: Toy, writers: Sessions):
    counter_id = await toy.make()

    await toy.gather(
        *(toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": counter_id}) for _ in range(20))
    )

    async with writers() as db:
        raised = select(FactRow.seq).where(FactRow.name != "counter.noted").order_by(FactRow.id)
        assert (await db.scalars(raised)).all() == list(range(1, 22))
    assert await toy.amount(counter_id) == 20


async def test_a_signal_is_sent_after_commit(toy: Toy):
    counter_id = await toy.make()

    await toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": counter_id, "by": 3})

    assert [(one.channel, one.data) for one in toy.published[-1][1]] == [(f"counter:{counter_id}", {"by": 3})]


async def test_a_refusal_leaves_nothing(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    facts = await count(writers, FactRow)

    with pytest.raises(Invalid):
        await toy.runtime.call(MEMBER, "toy.refuse", {"counterId": counter_id})

    assert await toy.amount(counter_id) == 0
    assert await count(writers, FactRow) == facts
    assert await count(writers, NoteRow) == await count(writers, JobRow) == 0
    assert len(toy.published) == 1


async def test_a_refusal_with_a_key_leaves_nothing_but_its_answer(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    facts = await count(writers, FactRow)

    with pytest.raises(Invalid):
        await toy.runtime.call(MEMBER, "toy.refuse", {"counterId": counter_id}, key="k")

    assert await toy.amount(counter_id) == 0
    assert await count(writers, FactRow) == facts
    assert await count(writers, NoteRow) == await count(writers, JobRow) == 0


async def test_what_is_to_be_kept_is_kept_when_the_rest_is_refused(toy: Toy, writers: Sessions):
    counter_id = await toy.make()

    with pytest.raises(Invalid):
        await toy.runtime.call(MEMBER, "toy.refuse_and_keep", {"counterId": counter_id})

    assert await toy.amount(counter_id) == 1
    assert [fact.event.name for fact in toy.published[-1][0]] == ["counter.raised", "counter.noted"]


async def test_a_bug_leaves_nothing_and_stays_a_bug(toy: Toy, writers: Sessions):
    counter_id = await toy.make()

    with pytest.raises(ZeroDivisionError):
        await toy.runtime.call(MEMBER, "toy.break_down", {"counterId": counter_id}, key="k")

    assert await toy.amount(counter_id) == 0
    assert await count(writers, NoteRow) == 0
    with pytest.raises(ZeroDivisionError):
        await toy.runtime.call(MEMBER, "toy.break_down", {"counterId": counter_id}, key="k")


async def test_a_constraint_speaks_by_its_name(toy: Toy):
    counter_id = await toy.make("mine")

    with pytest.raises(LabelTaken):
        await toy.make("mine")
    with pytest.raises(Invalid) as caught:
        await toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": counter_id, "by": -1})

    assert caught.value.errors[0].field == "by"


async def test_a_constraint_that_waits_for_commit_speaks_too(toy: Toy, writers: Sessions):
    with pytest.raises(NotFound):
        await toy.runtime.call(MEMBER, "toy.note_later", {"counterId": 404}, key="k")

    assert await count(writers, JobRow) == 0
    assert await count(writers, IdempotencyRow) == 1, "it came in time to be the answer of its key"


async def test_each_refusal_is_an_error_of_its_own(toy: Toy):
    await toy.make("mine")

    first, second = await toy.gather(toy.make("mine"), toy.make("mine"))

    assert isinstance(first, LabelTaken)
    assert isinstance(second, LabelTaken)
    assert first is not second


async def test_a_job_is_written_with_its_change(toy: Toy, writers: Sessions):
    counter_id = await toy.make()

    await toy.runtime.call(MEMBER, "toy.note_later", {"counterId": counter_id})

    async with writers() as db:
        row = (await db.scalars(select(JobRow))).one()
    assert (row.job, row.arguments) == ("toy.remind", {"counter_id": counter_id})


async def test_who_waits_too_long_for_a_lock_is_told_to_come_again(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    impatient(toy.engine)

    async with writers.begin() as db:
        await db.execute(text("SELECT 1 FROM counters WHERE id = :id FOR UPDATE"), {"id": counter_id})
        with pytest.raises(Busy) as caught:
            await toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": counter_id})

    assert caught.value.status == 503
    assert await toy.amount(counter_id) == 0


FULL_DISK = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE UPDATE ON counters EXECUTE FUNCTION full_disk()
"""


async def test_a_full_disk_is_no_fault_of_what_was_asked(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    async with writers.begin() as db:
        for statement in FULL_DISK.rsplit(";", 1):
            await db.execute(text(statement))
    try:
        with pytest.raises(Busy) as caught:
            await toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": counter_id})
    finally:
        async with writers.begin() as db:
            await db.execute(text("DROP FUNCTION full_disk CASCADE"))

    assert caught.value.status == 503
    assert (await toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": counter_id})).amount == 1


async def test_a_lock_given_back_in_time_goes_unnoticed(toy: Toy, writers: Sessions):
    counter_id = await toy.make()

    async with writers.begin() as db:
        await db.execute(text("SELECT 1 FROM counters WHERE id = :id FOR UPDATE"), {"id": counter_id})
        waiting = asyncio.create_task(
            toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": counter_id})
        )
        await db.execute(text("SELECT pg_sleep(0.1)"))

    assert (await waiting).amount == 1


async def test_facts_that_cannot_be_published_wait_for_the_relay(toy: Toy, writers: Sessions):
    toy.publishing_fails = True

    counter_id = await toy.make()

    assert await toy.amount(counter_id) == 0
    assert await count(writers, UnpublishedRow) == 1


async def test_nobody_gets_further_than_their_role(toy: Toy):
    with pytest.raises(Unauthenticated):
        await toy.runtime.call(ANONYMOUS, "toy.make_counter", b"not even read")
    with pytest.raises(Forbidden):
        await toy.runtime.call(SERVICE, "toy.make_counter", b"not even read")


async def test_bad_input_is_named_before_anything_is_done(toy: Toy):
    with pytest.raises(NotFound):
        await toy.runtime.call(MEMBER, "toy.nothing")
    with pytest.raises(Malformed):
        await toy.runtime.call(MEMBER, "toy.make_counter", b"{")
    with pytest.raises(Invalid) as caught:
        await toy.runtime.call(MEMBER, "toy.make_counter", b'{"amount": "x", "colour": 1}')

    assert {one.field for one in caught.value.errors} == {"label", "amount", "colour"}


async def test_structs_are_taken_as_they_are(toy: Toy):
    operation = toy.runtime.operations["toy.raise_counter"]
    counter_id = await toy.make()

    answer = await toy.runtime.call(
        MEMBER, "toy.raise_counter", operation.params(counter_id=counter_id, by=2)
    )

    assert answer.amount == 2
    with pytest.raises(TypeError, match="takes ToyRaiseCounterInput"):
        decode(operation, answer)


async def test_the_function_itself_stays_plain(toy: Toy):
    assert raise_counter.__name__ == "raise_counter"
