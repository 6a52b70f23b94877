"""One works at a time, the next takes over soon, and who was replaced writes nothing any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from domain.kernel import leases
from domain.kernel.database import Sessions
from domain.kernel.errors import Superseded
from domain.kernel.leases import Term
from domain.kernel.tenure import Tenure
from tests.eventually import eventually
from tests.toy import MEMBER, Toy

SHORT = timedelta(seconds=0.6)


class Post:
    """Who works now, and in which terms."""

    def __init__(self) -> None:
        self.at_work: set[str] = set()
        self.terms: list[Term] = []
        self.most = 0

    async def work(self, term: Term) -> None:
        self.at_work.add(term.holder)
        self.terms.append(term)
        self.most = max(self.most, len(self.at_work))
        try:
            await asyncio.Event().wait()
        finally:
            self.at_work.discard(term.holder)


@asynccontextmanager
async def standing(writers: Sessions, holder: str, post: Post) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(Tenure(writers, "role", holder, lasts=SHORT).run(post.work))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def take_away(writers: Sessions, holder: str) -> None:
    """Take the lease as somebody to whom it has lapsed."""
    async with writers.begin() as db:
        await leases.release(db, "role", holder)
    async with writers.begin() as db:
        assert await leases.acquire(db, "role", "another", lasts=timedelta(seconds=60)) is not None


async def test_of_several_one_works_and_the_next_takes_over_when_it_ends(writers: Sessions):
    post = Post()
    async with standing(writers, "a", post) as first, standing(writers, "b", post):
        await eventually(lambda: len(post.at_work) == 1)
        (worker,) = post.at_work
        if worker == "a":
            first.cancel()
            await eventually(lambda: post.at_work == {"b"})
    assert post.most == 1
    assert not post.at_work


async def test_a_term_goes_on_for_as_long_as_it_is_renewed(writers: Sessions):
    post = Post()
    async with standing(writers, "a", post):
        await eventually(lambda: post.at_work == {"a"})
        async with standing(writers, "b", post):
            await asyncio.sleep(3 * SHORT.total_seconds())
            assert post.at_work == {"a"}
    assert [term.generation for term in post.terms] == [1]


async def test_a_holder_that_was_replaced_stops_working(writers: Sessions):
    post = Post()
    async with standing(writers, "a", post):
        await eventually(lambda: post.at_work == {"a"})
        await take_away(writers, "a")
        await eventually(lambda: not post.at_work)


async def test_a_killed_holder_is_replaced_when_its_lease_has_lapsed_and_at_once_by_itself(writers: Sessions):
    async with writers.begin() as db:
        assert await leases.acquire(db, "role", "killed", lasts=SHORT) == 1
    post = Post()
    async with standing(writers, "killed", post):
        await eventually(lambda: post.at_work == {"killed"})
    async with standing(writers, "b", post):
        await eventually(lambda: post.at_work == {"b"})
    assert [term.generation for term in post.terms] == [1, 2]


async def test_work_that_fails_is_heard_of_and_gives_the_lease_back(writers: Sessions):
    async def fail(term: Term) -> None:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError):
        await Tenure(writers, "role", "a").run(fail)

    post = Post()
    async with standing(writers, "b", post):
        await eventually(lambda: post.at_work == {"b"})


async def test_what_is_written_in_a_term_that_is_over_is_refused(toy: Toy, writers: Sessions):
    async with writers.begin() as db:
        generation = await leases.acquire(db, "role", "a", lasts=SHORT)
    assert generation is not None
    term = Term("role", "a", generation)

    await toy.runtime.call(MEMBER, "toy.make_counter", {"label": "one", "amount": 0}, under=term)
    await take_away(writers, "a")
    with pytest.raises(Superseded):
        await toy.runtime.call(MEMBER, "toy.make_counter", {"label": "two", "amount": 0}, under=term)
