"""Whatever is killed, stopped or cut between publishers and people, each hears everything once and in order.

Proves: server/hub/, server/control.py, channels/redis/, channels/recovery.py.
"""

import asyncio
from pathlib import Path

import pytest

from tests.chaos.hub_world import HubWorld, hub_world

PEOPLE = 50
FEW = 6


@pytest.mark.crash
async def test_everybody_hears_everything_once_whatever_happens_to_hubs_and_redis(own_folder: Path) -> None:
    async with hub_world(own_folder, people=PEOPLE) as world:
        one, other = world.hubs
        await world.goes_on()
        await one.kill()
        await world.goes_on()
        await world.cut_commands()
        await one.start()
        await world.cut_deliveries()
        await world.goes_on()
        await world.freeze(other, meanwhile=world.goes_on)
        await world.cut_commands()
        await other.kill()
        await world.cut_deliveries()
        await world.goes_on()
        await world.freeze(one, meanwhile=other.start)
        await world.goes_on()
        await silence(world)

        await world.caught_up()
        everybody = [ledger for ledgers in world.ledgers.values() for ledger in ledgers]
        assert sum(ledger.recovered for ledger in everybody) >= PEOPLE
        assert sum(len(ledger.connections) for ledger in everybody) >= 2 * PEOPLE


async def silence(world: HubWorld) -> None:
    """Let publishers end, and say the last word on every channel while no hub can hear it."""
    world.silent.set()
    await world.freeze(*world.hubs, meanwhile=world.say_last)


@pytest.mark.crash
@pytest.mark.parametrize(
    ("arguments", "differs"),
    [
        (["--without", "missed"], "behind"),
        (["--drop", "20"], None),
        (["--drop", "20", "--without", "gaps"], "behind"),
        (["--without", "recovery"], "behind"),
    ],
)
async def test_each_safeguard_is_needed(own_folder: Path, arguments: list[str], differs: str | None) -> None:
    async with hub_world(own_folder, people=FEW, hubs=1, arguments=arguments) as world:
        await world.goes_on()
        await world.freeze(*world.hubs, meanwhile=world.say_last)
        if "recovery" in arguments:
            await world.hubs[0].kill()
            await world.hubs[0].start()
        await world.goes_on()
        await silence(world)

        if differs is None:
            await world.caught_up()
        else:
            with pytest.raises(AssertionError, match=differs):
                await world.caught_up(timeout_s=3)


@pytest.mark.crash
async def test_the_proof_notices_what_was_published_twice(own_folder: Path) -> None:
    async with hub_world(own_folder, people=1, hubs=1) as world:
        await world.goes_on(by=3)
        world.silent.set()
        await world.say_last()
        await asyncio.gather(*(world.say_again(number) for number in range(2)))
        with pytest.raises(AssertionError, match="twice"):
            await world.caught_up(timeout_s=1)
