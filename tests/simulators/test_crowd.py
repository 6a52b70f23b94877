"""A crowd comes at its rate, all in and then all out, and who is refused insists and goes."""

import asyncio

import pytest

from domain.access.rules.facts import Direction
from simulators.control import NotPresented
from simulators.crowd import crowd
from simulators.faults import Crowd
from simulators.presented import Presented
from simulators.scenario import FORGED
from tests.eventually import eventually
from tests.simulators.test_control import ANSWER

Shown = list[tuple[int, str, Direction]]


async def gathered(fault: Crowd, tokens: list[str], enough: int, *, away: bool = False) -> Shown:
    """What a crowd has shown by then."""
    shown = Shown()

    async def show(gate_id: int, token: str, direction: Direction) -> Presented:
        shown.append((gate_id, token, direction))
        if away:
            raise NotPresented("gate 4 was stopped meanwhile")
        return ANSWER

    async with asyncio.TaskGroup() as group:
        coming = group.create_task(crowd(fault, 4, tokens, show, speed=1000))
        await eventually(lambda: len(shown) >= enough)
        coming.cancel()
    return shown


async def test_all_come_in_before_anybody_leaves():
    shown = await gathered(Crowd(at_s=0, per_minute=60, refused=0), ["a", "b"], 5)

    assert shown[:5] == [(4, "a", "in"), (4, "b", "in"), (4, "a", "out"), (4, "b", "out"), (4, "a", "in")]


async def test_who_is_refused_tries_as_often_as_the_plan_says():
    shown = await gathered(Crowd(at_s=0, per_minute=0.001, refused=1, retries=2), [], 0)
    assert shown == []

    shown = await gathered(Crowd(at_s=0, per_minute=60, refused=1, retries=2), ["a"], 9)
    assert {token for _, token, _ in shown} == {FORGED}


@pytest.mark.parametrize("tokens", [["a"], []])
async def test_a_gate_that_is_away_sends_nobody_home_for_good(tokens: list[str]):
    assert len(await gathered(Crowd(at_s=0, per_minute=60, refused=0.5), tokens, 6, away=True)) >= 6
