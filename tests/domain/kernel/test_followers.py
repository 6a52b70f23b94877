"""A follower sees each of its facts once, in order, and can see them all again."""

from collections.abc import Sequence
from types import ModuleType

import pytest
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from domain.kernel.backlog import measure
from domain.kernel.caller import SERVICE
from domain.kernel.database import Sessions
from domain.kernel.followers import Follower, FollowerRow, Followers, collect_followers, follower, reset
from domain.kernel.log import Fact, write
from domain.kernel.sequencer import Sequencer
from tests.at_work import at_work
from tests.eventually import eventually
from tests.toy import CounterMade, CounterRaised, NoteRow, Toy


@follower("toy.copy", CounterRaised)
async def copy(db: AsyncSession, facts: Sequence[Fact]) -> None:
    for fact in facts:
        assert isinstance(fact.event, CounterRaised)
        db.add(NoteRow(counter_id=fact.event.counter_id, by=fact.event.by))


def declared(*functions: object) -> dict[str, Follower]:
    module = ModuleType(__name__)
    module.__dict__.update({str(n): one for n, one in enumerate(functions)})
    return dict(collect_followers([module]))


async def log(toy: Toy, writers: Sessions, counter_id: int, *raises: int) -> None:
    async with writers.begin() as db:
        ctx = toy.runtime.context(SERVICE, db)
        for by in raises:
            ctx.emit(CounterRaised(counter_id=counter_id, by=by))
            ctx.emit(CounterMade(counter_id=counter_id))
        await write(ctx)
    await Sequencer(writers, "a").place()


async def copies(writers: Sessions) -> list[int]:
    async with writers() as db:
        return list(await db.scalars(select(NoteRow.by).order_by(NoteRow.id)))


async def position(writers: Sessions, name: str = "toy.copy") -> int | None:
    async with writers() as db:
        return await db.scalar(select(FollowerRow.position).where(FollowerRow.name == name))


async def move(followers: Followers, one: Follower) -> None:
    await followers.move(one)
    while await followers.move(one):
        pass


async def test_each_fact_has_its_effect_once_in_order(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    raises = list(range(700))
    await log(toy, writers, counter_id, *raises)
    while await Sequencer(writers, "a").place():
        pass

    async def all_copied() -> bool:
        return len(await copies(writers)) >= 700

    # Two processes at once move it no faster and no less exactly.
    async with at_work(*(Followers(declared(copy), writers, pause_s=0.01) for _ in range(2))):
        await eventually(all_copied)

    assert await copies(writers) == raises


async def test_a_follower_that_fails_stays_where_it_is_and_others_go_on(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    await log(toy, writers, counter_id, 1, 2)
    broken = True

    @follower("toy.fails", CounterRaised)
    async def fails(db: AsyncSession, facts: Sequence[Fact]) -> None:
        db.add(NoteRow(counter_id=counter_id, by=1000))
        await db.flush()
        if broken:
            raise ZeroDivisionError("a bug")

    async def one_copied() -> bool:
        return len(await copies(writers)) == 2

    async def all_copied() -> bool:
        return await copies(writers) == [1, 2, 1000]

    with capture_logs() as logs:
        async with at_work(Followers(declared(copy, fails), writers, pause_s=0.01)):
            await eventually(one_copied)
            await eventually(lambda: any(entry["log_level"] == "error" for entry in logs))
            assert await position(writers, "toy.fails") == 0
            broken = False
            await eventually(all_copied)


async def test_it_can_be_played_again_from_the_start(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    await log(toy, writers, counter_id, 1, 2, 3)
    followers, one = Followers({}, writers), declared(copy)["toy.copy"]
    await move(followers, one)

    async with writers.begin() as db:
        await db.execute(delete(NoteRow))
        await reset(db, "toy.copy")
    await move(followers, one)

    assert await copies(writers) == [1, 2, 3]


async def test_facts_without_a_position_are_not_followed_yet(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    followers, one = Followers({}, writers), declared(copy)["toy.copy"]
    await Sequencer(writers, "a").place()
    async with writers.begin() as db:
        ctx = toy.runtime.context(SERVICE, db)
        ctx.emit(CounterRaised(counter_id=counter_id, by=1))
        await write(ctx)
    await move(followers, one)
    assert await copies(writers) == []
    async with writers() as db:
        assert (await measure(db)).facts_unplaced.count == 1

    await Sequencer(writers, "a").place()
    await move(followers, one)
    assert await copies(writers) == [1]


async def test_its_lag_is_the_number_of_positions_before_it(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    await log(toy, writers, counter_id, 1, 2)
    async with writers.begin() as db:
        await reset(db, "toy.copy", position=1)

    async with writers() as db:
        backlog = await measure(db)

    assert backlog.followers == {"toy.copy": 4}
    assert backlog.facts_unplaced.count == 0


def test_a_name_belongs_to_one_follower():
    @follower("toy.copy", CounterMade)
    async def another(db: AsyncSession, facts: Sequence[Fact]) -> None: ...

    with pytest.raises(ValueError, match="twice"):
        declared(copy, another)
    with pytest.raises(TypeError, match="names the facts"):
        follower("toy.nothing")
