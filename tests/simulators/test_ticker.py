"""One timer calls all gates of a process, each once a second and not all at once."""

import asyncio

import pytest

from simulators import ticker
from simulators.ticker import SLICES, Ticker
from tests.eventually import eventually


async def test_everybody_is_called_about_as_often(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ticker, "TICK_S", 0.1)
    calls = [0] * 3
    shared = Ticker()

    def called(number: int) -> None:
        calls[number] += 1

    async with asyncio.TaskGroup() as group:
        running = group.create_task(shared.run())
        with (
            shared.following(lambda: called(0)),
            shared.following(lambda: called(1)),
            shared.following(lambda: called(2)),
        ):
            await eventually(lambda: min(calls) >= 5)
            assert max(calls) <= min(calls) + 1
        ended = list(calls)
        await eventually(lambda: running.done() or calls == ended)
        running.cancel()


def test_gates_are_spread_over_the_second():
    shared = Ticker()
    following = [shared.following(lambda: None) for _ in range(2 * SLICES)]
    for one in following:
        one.__enter__()

    assert {len(part) for part in shared._slices} == {2}
