"""The people at one gate of a full house: they come as they like, and who is refused tries again before giving up."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import cycle

from domain.access.rules.facts import Direction
from simulators.control import NotPresented
from simulators.faults import Crowd
from simulators.scenario import FORGED
from simulators.visitor import Show

TRY_AGAIN_S = 10.0
WAYS: tuple[Direction, ...] = ("in", "out")


async def crowd(fault: Crowd, gate_id: int, tokens: Sequence[str], show: Show, *, speed: float) -> None:
    """Shows passes at a gate until cancelled: all come in one after the other, then all leave, and so on."""
    chance = random.Random(gate_id)
    rate = fault.per_minute / 60 * speed
    walks = _walks(tokens)
    async with asyncio.TaskGroup() as group:
        while True:
            await asyncio.sleep(chance.expovariate(rate))
            walk = next(walks, None)
            if walk is None or chance.random() < fault.refused:
                group.create_task(_insist(fault.retries, gate_id, show, pause_s=TRY_AGAIN_S / speed))
            else:
                with suppress(NotPresented):
                    await show(gate_id, *walk)


def _walks(tokens: Sequence[str]) -> Iterator[tuple[str, Direction]]:
    return cycle((token, way) for way in WAYS for token in tokens)


async def _insist(retries: int, gate_id: int, show: Show, *, pause_s: float) -> None:
    """Shows a pass that nobody signed, again and again, and goes home."""
    for turn in range(retries + 1):
        await asyncio.sleep(pause_s if turn else 0)
        with suppress(NotPresented):
            await show(gate_id, FORGED, "in")
