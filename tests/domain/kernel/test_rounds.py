"""A part goes on working: at once while there is work, after a pause when not, and after any failure."""

import asyncio

import pytest
from structlog.testing import capture_logs

from domain.kernel.rounds import in_rounds, rest
from tests.eventually import eventually


async def test_rounds_that_find_work_follow_at_once():
    stop = asyncio.Event()
    rounds = 0

    async def once() -> bool:
        nonlocal rounds
        rounds += 1
        if rounds == 100:
            stop.set()
        return True

    async with asyncio.timeout(2):
        await in_rounds("part", once, pause_s=60, stop=stop)

    assert rounds == 100


async def test_a_round_without_work_is_followed_by_a_pause_that_ends_with_the_part():
    stop = asyncio.Event()
    rounds = 0

    async def once() -> bool:
        nonlocal rounds
        rounds += 1
        return False

    async with asyncio.timeout(2), asyncio.TaskGroup() as tasks:
        tasks.create_task(in_rounds("part", once, pause_s=60, stop=stop))
        await eventually(lambda: rounds == 1)
        stop.set()

    assert rounds == 1


@pytest.mark.parametrize(
    ("error", "level"), [(ConnectionRefusedError("away"), "warning"), (ZeroDivisionError("a bug"), "error")]
)
async def test_a_failed_round_is_told_and_tried_again(error: Exception, level: str):
    stop = asyncio.Event()
    rounds = 0

    async def once() -> bool:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise error
        stop.set()
        return False

    with capture_logs() as logs:
        async with asyncio.timeout(5):
            await in_rounds("part", once, pause_s=0.01, stop=stop)

    assert rounds == 2
    assert [(entry["log_level"], entry["part"]) for entry in logs] == [(level, "part")]


async def test_a_cancelled_part_ends():
    async def once() -> bool:
        await asyncio.Event().wait()
        return True

    task = asyncio.create_task(in_rounds("part", once, pause_s=0.01))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_rest_ends_early_when_told():
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(1):
        await rest(60, stop)
        await rest(0.001, asyncio.Event())
