"""Jobs are done at least once, whatever happens to workers and databases; what cannot be done is set aside.

Proves: domain/kernel/queue.py, domain/kernel/worker.py
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from domain.kernel import queue
from domain.kernel.context import Deferred
from domain.kernel.database import Sessions, connect, sessions
from domain.kernel.jobs import Job, Work
from domain.kernel.queue import JobRow
from domain.kernel.rounds import AWAY
from domain.kernel.worker import Pace, Worker
from gatehouse.embedded.postgres import Postgres
from tests.at_work import at_work
from tests.eventually import eventually
from tests.toy import tools

QUICK = Pace(poll_s=0.01, first_pause_s=0.01, longest_pause_s=0.02, grace_s=0.05)
PATIENT = Pace(poll_s=0.01, first_pause_s=60)


def worker(
    writers: Sessions, handler: Callable[..., Any], *, pace: Pace = QUICK, attempts: int = 8
) -> Worker:
    return Worker({"toy.job": Job("toy.job", handler, attempts)}, writers, tools(), pace=pace)


async def defer(writers: Sessions, *names: str, job: str = "toy.job") -> None:
    async with writers.begin() as db:
        await queue.enqueue(db, [Deferred(job, {"name": name}) for name in names])


async def rows(writers: Sessions) -> list[JobRow]:
    async with writers() as db:
        return list(await db.scalars(select(JobRow).order_by(JobRow.id)))


async def only(writers: Sessions, job: str) -> bool:
    return [row.job for row in await rows(writers)] == [job]


async def nothing_left(writers: Sessions) -> bool:
    return not await rows(writers)


async def test_jobs_are_done_with_their_arguments_and_forgotten(writers: Sessions):
    done: list[str] = []

    async def handler(work: Work, *, name: str) -> None:
        done.append(name)

    await defer(writers, *(f"job {n}" for n in range(50)))
    async with at_work(worker(writers, handler)):
        await eventually(lambda: nothing_left(writers))

    assert sorted(done) == sorted(f"job {n}" for n in range(50))


async def test_no_more_jobs_than_allowed_are_done_at_once(writers: Sessions):
    now = most = 0

    async def handler(work: Work, *, name: str) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        async with work.transaction() as db:
            await db.execute(select(JobRow.id))
        now -= 1

    await defer(writers, *(f"job {n}" for n in range(30)))
    async with at_work(worker(writers, handler, pace=Pace(poll_s=0.01, at_once=3))):
        await eventually(lambda: nothing_left(writers))

    assert most == 3


async def test_several_workers_share_the_jobs_without_doing_one_twice(writers: Sessions):
    done: list[str] = []

    async def handler(work: Work, *, name: str) -> None:
        done.append(name)

    await defer(writers, *(f"job {n}" for n in range(60)))
    async with at_work(*(worker(writers, handler) for _ in range(4))):
        await eventually(lambda: nothing_left(writers))

    assert len(done) == len(set(done)) == 60


async def test_a_failed_job_is_tried_again_after_a_pause_that_doubles(writers: Sessions):
    async def handler(work: Work, *, name: str) -> None:
        raise OSError("the world is away")

    async def failed(times: int) -> bool:
        [row] = await rows(writers)
        put_off = (row.run_at - row.created_at).total_seconds() > 2 * PATIENT.claim_s
        return row.attempts == times and put_off and row.error == "OSError: the world is away"

    await defer(writers, "one")
    for attempt, pause_s in ((1, 60), (2, 120), (3, 240)):
        async with at_work(worker(writers, handler, pace=PATIENT)):
            await eventually(lambda attempt=attempt: failed(attempt))  # type: ignore[misc]  # a default argument has no type here
        async with writers.begin() as db:
            [row] = await db.scalars(select(JobRow))
            left = await db.scalar(select(JobRow.run_at - func.now()))
            assert left is not None
            assert 0.75 * pause_s < left.total_seconds() < 1.25 * pause_s
            row.run_at = row.created_at


async def test_a_job_that_succeeds_late_has_succeeded(writers: Sessions):
    attempts = 0

    async def handler(work: Work, *, name: str) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 4:
            raise OSError("not yet")

    await defer(writers, "one")
    async with at_work(worker(writers, handler)):
        await eventually(lambda: nothing_left(writers))

    assert attempts == 4


async def test_a_job_that_never_succeeds_is_parked_with_an_alarm_and_can_be_sent_back(writers: Sessions):
    last: list[bool] = []

    async def handler(work: Work, *, name: str) -> None:
        last.append(work.last)
        if len(last) <= 3:
            raise OSError("never")

    async def is_parked() -> bool:
        async with writers() as db:
            return len(await queue.parked(db)) == 1

    await defer(writers, "one")
    with capture_logs() as logs:
        async with at_work(worker(writers, handler, attempts=3)):
            await eventually(is_parked)

            assert last == [False, False, True]
            assert [one["event"] for one in logs if one["log_level"] == "error"] == ["job parked"]
            async with writers.begin() as db:
                [row] = await queue.parked(db)
                assert row.error == "OSError: never"
                assert await queue.send_back(db, [row.id]) == 1
            await eventually(lambda: nothing_left(writers))


async def test_a_job_that_takes_too_long_has_failed(writers: Sessions):
    async def handler(work: Work, *, name: str) -> None:
        await asyncio.Event().wait()

    async def has_failed() -> bool:
        [row] = await rows(writers)
        return row.error == "TimeoutError: "

    await defer(writers, "one")
    slow = Worker({"toy.job": Job("toy.job", handler, lasts_s=0.05)}, writers, tools(), pace=PATIENT)
    async with at_work(slow):
        await eventually(has_failed)


async def test_a_job_of_the_future_waits(writers: Sessions):
    async def handler(work: Work, *, name: str) -> None:
        raise AssertionError("too early")

    async with writers.begin() as db:
        later = await db.scalar(select(func.now() + func.make_interval(0, 0, 0, 0, 1)))
        await queue.enqueue(db, [Deferred("toy.job", {"name": "later"}, later)])
    await defer(writers, "now", job="toy.other")
    done = asyncio.Event()

    async def other(work: Work, *, name: str) -> None:
        done.set()

    jobs = {"toy.job": Job("toy.job", handler), "toy.other": Job("toy.other", other)}
    async with at_work(Worker(jobs, writers, tools(), pace=QUICK)):
        await asyncio.wait_for(done.wait(), 5)
        await eventually(lambda: only(writers, "toy.job"))

    [row] = await rows(writers)
    assert (row.job, row.attempts) == ("toy.job", 0)


async def test_a_job_nobody_knows_yet_waits_for_who_does(writers: Sessions):
    async def handler(work: Work, *, name: str) -> None:
        return None

    await defer(writers, "new", job="toy.of_the_next_version")
    await defer(writers, "old")
    async with at_work(worker(writers, handler)):
        await eventually(lambda: only(writers, "toy.of_the_next_version"))


async def test_a_worker_told_to_stop_ends_what_it_does_and_gives_back_what_takes_long(writers: Sessions):
    going_on = asyncio.Event()
    release = asyncio.Event()
    ended: list[str] = []

    async def handler(work: Work, *, name: str) -> None:
        going_on.set()
        await (release if name == "short" else asyncio.Event()).wait()
        ended.append(name)

    await defer(writers, "short", "long")
    stopping = worker(writers, handler)
    running = asyncio.create_task(stopping.run())
    await asyncio.wait_for(going_on.wait(), 5)
    await eventually(lambda: stopping.under_way == 2)
    stopping.stop()
    release.set()
    await asyncio.wait_for(running, 5)

    assert ended == ["short"]
    [row] = await rows(writers)
    assert (row.arguments, row.attempts, row.parked_at) == ({"name": "long"}, 0, None)
    async with writers.begin() as db:
        assert len(await queue.claim(db, ["toy.job"], limit=1, lasts_s=1)) == 1


async def test_a_cancelled_worker_gives_its_jobs_back(writers: Sessions):
    going_on = asyncio.Event()

    async def handler(work: Work, *, name: str) -> None:
        going_on.set()
        await asyncio.Event().wait()

    await defer(writers, "one")
    async with at_work(worker(writers, handler)):
        await asyncio.wait_for(going_on.wait(), 5)

    [row] = await rows(writers)
    assert row.attempts == 0
    async with writers.begin() as db:
        assert len(await queue.claim(db, ["toy.job"], limit=1, lasts_s=1)) == 1


async def test_a_long_job_keeps_its_claim(writers: Sessions):
    started: list[str] = []
    enough = asyncio.Event()

    async def handler(work: Work, *, name: str) -> None:
        started.append(name)
        await enough.wait()

    async def renewed() -> bool:
        [row] = await rows(writers)
        return (row.run_at - row.created_at).total_seconds() > 1.2

    pace = Pace(poll_s=0.01, claim_s=0.3)
    await defer(writers, "one")
    async with at_work(worker(writers, handler, pace=pace), worker(writers, handler, pace=pace)):
        await eventually(renewed)
        enough.set()
        await eventually(lambda: nothing_left(writers))

    assert started == ["one"]


async def test_who_has_lost_a_claim_changes_nothing_any_more(writers: Sessions):
    await defer(writers, "one")
    async with writers.begin() as db:
        [lost] = await queue.claim(db, ["toy.job"], limit=1, lasts_s=-1)
    async with writers.begin() as db:
        [held] = await queue.claim(db, ["toy.job"], limit=1, lasts_s=60)
    before = await rows(writers)

    async with writers.begin() as db:
        await queue.done(db, lost)
        await queue.put_off(db, lost, pause_s=9, error="lost")
        await queue.park(db, lost, error="lost")
        await queue.give_back(db, lost)
        await queue.renew(db, [lost], lasts_s=900)
        with pytest.raises(queue.ClaimLost):
            await queue.finish(lost, db)

    [row] = await rows(writers)
    assert (row.attempts, row.run_at, row.parked_at, row.error) == (2, before[0].run_at, None, None)
    async with writers.begin() as db:
        await queue.finish(held, db)
    assert await nothing_left(writers)


async def test_a_job_that_finishes_in_its_transaction_is_done_once(writers: Sessions):
    async def handler(work: Work, *, name: str) -> None:
        async with work.transaction() as db:
            await work.finish(db)
        raise OSError("after the effect")

    await defer(writers, "one")
    async with at_work(worker(writers, handler)):
        await eventually(lambda: nothing_left(writers))


async def killed_in_the_middle(url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.killed_worker", url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        assert line == b"in the middle\n"
    finally:
        process.kill()
        await process.wait()


async def test_the_job_of_a_killed_worker_is_done_by_another(writers: Sessions, toy_url: str):
    done: list[str] = []

    async def handler(work: Work, *, name: str) -> None:
        done.append(name)

    await defer(writers, "one", job="toy.hang")
    await killed_in_the_middle(toy_url)
    assert len(await rows(writers)) == 1

    jobs = {"toy.hang": Job("toy.hang", handler, attempts=2)}
    async with at_work(Worker(jobs, writers, tools(), pace=QUICK)):
        await eventually(lambda: nothing_left(writers))
    assert done == ["one"]


async def test_a_job_that_kills_its_workers_is_parked(writers: Sessions, toy_url: str):
    third: list[str] = []

    async def handler(work: Work, *, name: str) -> None:
        third.append(name)

    async def is_parked() -> bool:
        async with writers() as db:
            return len(await queue.parked(db)) == 1

    await defer(writers, "one", job="toy.hang")
    for _ in range(2):
        await killed_in_the_middle(toy_url)

    jobs = {"toy.hang": Job("toy.hang", handler, attempts=2)}
    async with at_work(Worker(jobs, writers, tools(), pace=QUICK)):
        await eventually(is_parked)
    assert third == []


async def test_a_worker_outlives_a_crash_of_the_database(own_postgres: Postgres):
    engine = connect(own_postgres.url)
    writers = sessions(engine)
    done: list[str] = []

    async def handler(work: Work, *, name: str) -> None:
        done.append(name)

    async with at_work(worker(writers, handler)):
        await defer(writers, "before")
        await eventually(lambda: done == ["before"])
        own_postgres.kill()
        await own_postgres.restart()

        async def deferred_again() -> bool:
            try:
                await defer(writers, "after")
            except AWAY:
                return False
            return True

        await eventually(deferred_again, timeout_s=10)
        await eventually(lambda: "after" in done, timeout_s=10)
    await engine.dispose()
