"""One holder at a time, and the next one soon."""

from datetime import timedelta

from domain.kernel import leases
from domain.kernel.database import Sessions, connect, sessions
from tests.toy import Toy

LONG = timedelta(seconds=60)
OVER = timedelta(seconds=-1)


async def acquire(writers: Sessions, holder: str, lasts: timedelta = LONG) -> int | None:
    async with writers.begin() as db:
        return await leases.acquire(db, "role", holder, lasts=lasts)


async def test_the_first_gets_it_and_keeps_it(writers: Sessions):
    assert await acquire(writers, "a") == 1
    assert await acquire(writers, "b") is None
    assert await acquire(writers, "a") == 1


async def test_of_many_at_once_one_gets_it(toy: Toy, writers: Sessions):
    generations = await toy.gather(*(acquire(writers, f"holder {n}") for n in range(10)))

    assert sorted(generations, key=str) == [1, *[None] * 9]


async def test_after_its_end_another_may_take_it_as_a_new_generation(writers: Sessions):
    await acquire(writers, "a", OVER)

    assert await acquire(writers, "b") == 2
    assert await acquire(writers, "a") is None


async def test_a_holder_that_overslept_alone_goes_on(writers: Sessions):
    await acquire(writers, "a", OVER)

    assert await acquire(writers, "a") == 1


async def test_a_released_lease_is_free_at_once(writers: Sessions):
    await acquire(writers, "a")

    await leases.hand_over(writers, "role", "b")
    assert await acquire(writers, "b") is None
    await leases.hand_over(writers, "role", "a")
    assert await acquire(writers, "b") == 2


async def test_roles_are_apart(writers: Sessions):
    await acquire(writers, "a")

    async with writers.begin() as db:
        assert await leases.acquire(db, "another", "b", lasts=LONG) == 1


async def test_only_the_present_holder_holds(writers: Sessions):
    await acquire(writers, "a", OVER)
    await acquire(writers, "b")

    async with writers.begin() as db:
        assert not await leases.holds(db, "role", "a", 1)
        assert not await leases.holds(db, "role", "b", 1)
        assert await leases.holds(db, "role", "b", 2)


async def test_a_lease_does_not_change_hands_under_a_transaction_that_relies_on_it(
    toy: Toy, writers: Sessions
):
    await acquire(writers, "a", OVER)

    async with writers.begin() as db:
        assert await leases.holds(db, "role", "a", 1)
        [taken] = await toy.gather(acquire(writers, "b"))
        assert isinstance(taken, Exception)

    assert await acquire(writers, "b") == 2


async def test_a_database_that_is_away_does_not_stop_a_goodbye():
    engine = connect("postgresql+asyncpg://nobody@/nothing?host=/nowhere")

    await leases.hand_over(sessions(engine), "role", "a")
