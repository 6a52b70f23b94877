"""Waiting for something to become true, without a sleep of guessed length."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

FIRST_PAUSE_S = 0.002
LONGEST_PAUSE_S = 0.1


@overload
async def eventually(check: Callable[[], Awaitable[T]], timeout_s: float = 15) -> T: ...


@overload
async def eventually(check: Callable[[], T], timeout_s: float = 15) -> T: ...


async def eventually(check: Callable[[], T | Awaitable[T]], timeout_s: float = 15) -> T:
    """Return what `check` returns as soon as that is true, or None without an assertion failing.

    Raises: the last AssertionError, or a TimeoutError that names the last answer.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    pause_s = FIRST_PAUSE_S
    while True:
        late = loop.time() >= deadline
        try:
            answer = await _ask(check, deadline)
        except AssertionError:
            if late:
                raise
        else:
            if answer is None or answer:
                return answer
            if late:
                raise TimeoutError(f"still {answer!r} after {timeout_s} s")
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)


async def _ask(check: Callable[[], T | Awaitable[T]], deadline: float) -> T:
    answer = check()
    if inspect.isawaitable(answer):
        # One more second, so that a check under way at the deadline says what it saw.
        async with asyncio.timeout_at(deadline + 1):
            awaited: T = await answer
            return awaited
    return answer
