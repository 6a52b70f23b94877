"""Keeps gates busy, and their processes alive, while everything around them falls."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from itertools import count, cycle

from domain.access.rules.facts import Direction
from gate_bridge import wire
from gate_bridge.client import Client, Settings
from simulators.control import NoFleet, NotPresented, present
from simulators.presented import Presented
from tests.chaos.world import OBSERVER, Fleet, World
from tests.eventually import eventually


async def keep_alive(
    world: World, fleet: Fleet, crash_at: str = "", program: tuple[str, ...] = ("simulators",)
) -> None:
    """Run a gate's process, first with a crash point, and again each time it is killed."""
    while True:
        fleet.child = await world.python(*program, str(fleet.plan), crash_at=crash_at)
        code = await fleet.child.wait()
        assert code == -signal.SIGKILL, f"gate {fleet.gate.gate_id} ended with {code}"
        fleet.deaths += 1
        crash_at = ""


async def walk(fleet: Fleet, enough: Callable[[int], bool]) -> int:
    """Walk people in and out through a gate until its journal is long enough; return its length then."""
    ways: tuple[Direction, ...] = ("in", "out")
    passes = cycle((token, direction) for token in fleet.tokens for direction in ways)
    length = 0
    while not enough(length):
        token, direction = next(passes)

        async def show(token: str = token, direction: Direction = direction) -> Presented | bool:
            try:
                return await present(fleet.door, fleet.gate.gate_id, token, direction)
            except (NoFleet, NotPresented):
                return False  # the gate has just lost its power

        shown = await eventually(show, timeout_s=20)
        assert isinstance(shown, Presented)
        length = shown.seq + shown.passed
    return length


async def drained(world: World, lengths: Sequence[int]) -> None:
    """Wait until every gate says itself, newly asked, that the server has its whole journal."""
    url = world.broker.url.replace("://", f"://{OBSERVER.username}:{OBSERVER.password}@")
    client = Client(Settings(url=url, client_id="svc-observer"))
    (since,) = (await world.ask("SELECT now()"))[0]
    known = {fleet.gate.gate_id: length for fleet, length in zip(world.fleets, lengths, strict=True)}
    rounds = count()

    async def all_said_so() -> bool:
        if next(rounds) % 10 == 0:
            await _ask_for_births(world, client)
        said = await world.ask("SELECT id, last_seen_at, last_seq, queue_depth FROM gates WHERE NOT desk")
        return all(
            seen is not None and seen > since and last >= known[gate] and depth == 0
            for gate, seen, last, depth in said
        )

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(client.run())
        await client.wait_connected(10)
        await eventually(all_said_so, timeout_s=40)
        running.cancel()


async def _ask_for_births(world: World, client: Client) -> None:
    for fleet in world.fleets:
        for epoch in await _epochs(world, fleet.gate.gate_id):
            topic = wire.topic(fleet.gate.site_id, fleet.gate.gate_id, "dn/want")
            client.post(topic, wire.encode(wire.Want(epoch=epoch, rebirth=1)), qos=1)


async def _epochs(world: World, gate_id: int) -> list[str]:
    found = await world.ask("SELECT epoch FROM gate_epochs WHERE gate_id = $1", gate_id)
    return [row[0].hex() for row in found]
