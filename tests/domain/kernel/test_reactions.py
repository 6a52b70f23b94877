"""What must be true at commit is; what has happened outside is never refused for it.

Proves: domain/kernel/reactions.py, domain/kernel/late_reactions.py
"""

from functools import partial

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from domain.kernel import queue
from domain.kernel.caller import SERVICE
from domain.kernel.context import Context
from domain.kernel.database import Sessions
from domain.kernel.jobs import Work
from domain.kernel.late_reactions import late_reactions
from domain.kernel.log import FactRow
from domain.kernel.queue import JobRow, claim
from domain.kernel.reactions import RETRY, Reactions
from domain.kernel.worker import Pace, Worker
from tests.at_work import at_work
from tests.eventually import eventually
from tests.toy import EVENTS, MEMBER, CounterNoted, CounterRaised, NoteRow, Toy, note_raises, tools


async def notes(writers: Sessions) -> list[int]:
    async with writers() as db:
        return list(await db.scalars(select(NoteRow.by).order_by(NoteRow.id)))


async def jobs(writers: Sessions) -> list[JobRow]:
    async with writers() as db:
        return list(await db.scalars(select(JobRow)))


async def record(toy: Toy, *raises: int) -> int:
    counter_id = await toy.make()
    await toy.runtime.call(
        SERVICE, "toy.record_raises", {"counterId": counter_id, "by": raises}, correlation="c1"
    )
    return counter_id


async def test_a_reaction_is_part_of_the_change(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    await toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": counter_id, "by": 5})

    assert await notes(writers) == [5]


async def test_a_failing_reaction_takes_an_ordinary_change_with_it(toy: Toy, writers: Sessions):
    counter_id = await toy.make()

    with pytest.raises(ZeroDivisionError):
        await toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": counter_id, "by": 13})

    assert await toy.amount(counter_id) == 0
    assert await notes(writers) == []


async def test_of_recorded_facts_only_the_culprit_waits(toy: Toy, writers: Sessions):
    raises = [1, 2, 3, 13, 5, 6, 7, 8, 9]

    with capture_logs() as logs:
        counter_id = await record(toy, *raises)

    assert await notes(writers) == [one for one in raises if one != 13]
    [put_off] = await jobs(writers)
    assert put_off.job == RETRY
    assert put_off.arguments == {
        "reaction": "tests.toy.note_raises",
        "fact": "counter.raised",
        "body": {"counterId": counter_id, "by": 13},
        "correlation": "c1",
    }
    assert [entry["log_level"] for entry in logs] == ["error"]


async def test_every_recorded_fact_stands_in_the_log_and_effects_only_once(toy: Toy, writers: Sessions):
    await record(toy, 13, 2, 13, 4)

    async with writers() as db:
        names = list(await db.scalars(select(FactRow.name).order_by(FactRow.id)))
    assert names == ["counter.made", *["counter.raised"] * 4, *["counter.noted"] * 2]
    assert [fact.event.name for fact in toy.published[-1][0]] == names[1:]
    assert len(await jobs(writers)) == 2


async def test_a_reaction_put_off_is_done_later_once_with_its_job(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    late = late_reactions(toy.runtime, EVENTS)
    fact = CounterRaised(counter_id=counter_id, by=4)
    arguments = {
        "reaction": "tests.toy.note_raises",
        "fact": fact.name,
        "body": {"counterId": counter_id, "by": 4},
    }
    async with writers.begin() as db:
        db.add(JobRow(job=RETRY, arguments=arguments))

    async def is_empty() -> bool:
        return not await jobs(writers)

    async with at_work(Worker({RETRY: late}, writers, tools(), pace=Pace(poll_s=0.01))):
        await eventually(is_empty)

    assert await notes(writers) == [4]
    assert [one.event for one in toy.published[-1][0]] == [CounterNoted(counter_id=counter_id, by=4)]


async def test_a_reaction_whose_job_went_to_somebody_else_has_no_effect(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    fact = CounterRaised(counter_id=counter_id, by=4)
    async with writers.begin() as db:
        db.add(JobRow(job=RETRY, arguments={}))
        await db.flush()
        [claimed] = await claim(db, [RETRY], limit=1, lasts_s=-1)
    async with writers.begin() as db:
        await claim(db, [RETRY], limit=1, lasts_s=60)

    work = Work(
        sessions=writers, tools=tools(), now=toy.runtime.clock(), finish=partial(queue.finish, claimed)
    )
    with pytest.raises(queue.ClaimLost):
        await toy.runtime.react(work, "tests.toy.note_raises", fact)

    assert await notes(writers) == []


async def test_a_reaction_that_is_gone_is_an_error_not_a_success(toy: Toy):
    fact = CounterRaised(counter_id=1, by=4)
    work = Work(sessions=toy.runtime.sessions, tools=tools(), now=toy.runtime.clock())

    with pytest.raises(LookupError, match=r"tests\.toy\.renamed"):
        await toy.runtime.react(work, "tests.toy.renamed", fact)


async def test_reactions_to_reactions_are_run_until_none_is_left(toy: Toy, writers: Sessions):
    seen: list[str] = []

    async def first(ctx: Context, facts: object) -> None:
        seen.append("raised")
        ctx.emit(CounterNoted(counter_id=1, by=1))

    async def second(ctx: Context, facts: object) -> None:
        seen.append("noted")

    reactions = Reactions({CounterRaised: [first], CounterNoted: [second]})
    async with writers.begin() as db:
        ctx = toy.runtime.context(SERVICE, db)
        ctx.emit(CounterRaised(counter_id=1, by=1))
        ctx.emit(CounterRaised(counter_id=1, by=2))
        await reactions.answer(ctx, recorded=False)

    assert seen == ["raised", "noted"]
    assert note_raises.__name__ == "note_raises"
