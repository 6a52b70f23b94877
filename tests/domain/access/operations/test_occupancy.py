"""Where everybody is, built anew from the log, equals the live state to the last bit, whatever happened.

Proves: domain/access/operations/occupancy.py, domain/access/queries/accounts.py, domain/access/rules/replay.py
"""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from domain.access.operations.occupancy import settle
from domain.kernel.errors import Forbidden, NotFound
from tests.premises import Gate, Premises

YEAR_S = 365 * 86_400


async def compare(premises: Premises, *, write: bool = False) -> Any:
    return await premises.ask("admin", "access.rebuild_occupancy", site_id=premises.ids["site"], write=write)


async def settled(premises: Premises, before: Any) -> Any:
    runtime = premises.house.runtime
    async with runtime.sessions.begin() as db:
        return await settle(runtime.context(premises.people["admin"], db), premises.ids["site"], before)


async def meddle(premises: Premises, statement: str) -> None:
    async with premises.house.runtime.sessions.begin() as db:
        await db.execute(text(statement))


async def guests(premises: Premises, count: int = 4) -> list[Any]:
    window = {
        "start": premises.now.isoformat(),
        "end": (premises.now + timedelta(days=20)).isoformat(),
    }
    ask = "access.create_guest_pass"
    return [await premises.ask("member", ask, guest_name=f"Guest {n}", **window) for n in range(count)]


class Crowd:
    """People who walk about at random, seen by gates and by the desk, late, twice, and with clocks that lie."""

    def __init__(self, premises: Premises, gates: list[Gate], passes: list[Any], seed: int) -> None:
        self._premises = premises
        self._gates = gates
        self._passes = passes
        self._random = random.Random(seed)

    async def walk(self, rounds: int) -> None:
        for _ in range(rounds):
            self._premises.house.clock.advance(seconds=self._random.choice([0, 1, 40]))
            calls = [self._gate_reports() for _ in range(self._random.randint(1, 3))]
            calls += [self._desk_says() for _ in range(self._random.randint(0, 2))]
            for answer in await asyncio.gather(*calls, return_exceptions=True):
                assert not isinstance(answer, AssertionError | TypeError), answer

    async def _gate_reports(self) -> None:
        gate = self._random.choice(self._gates)
        events = []
        for _ in range(self._random.randint(1, 3)):
            holder = self._random.choice([*self._passes, None])
            late = timedelta(seconds=self._random.choice([0, 0, 0, 30, 31, 600, -5, YEAR_S, -YEAR_S]))
            events.append(
                gate.event(
                    self._random.choice(["passage", "passage", "decision"]),
                    direction=self._random.choice(["in", "in", "out", None]),
                    grant_id=holder.pass_id if holder else None,
                    at=self._premises.now - late,
                    clock=self._random.choice(["ok", "ok", "unsure"]),
                    historical=self._random.choice([False, False, True]),
                )
            )
        await gate.report(*events, *self._random.sample(events, 1))

    async def _desk_says(self) -> None:
        premises, holder = self._premises, self._random.choice(self._passes)
        site, zone = premises.ids["site"], self._random.choice(["hall", "office"])
        about: dict[str, Any] = {"guest_pass_id": holder.guest_pass_id}
        match self._random.choice(["visit", "forgive", "correct", "override"]):
            case "visit":
                action = self._random.choice(["enter", "exit"])
                await premises.ask("desk", "access.log_visit", action=action, **about)
            case "forgive":
                where = self._random.choice([None, premises.ids[zone]])
                about |= {"site_id": site, "zone_id": where, "reason": "seen"}
                await premises.ask("desk", "access.forgive_pass", **about)
            case "correct":
                told: dict[str, Any] = {"zone_id": premises.ids[zone], "counted": self._random.randint(0, 9)}
                await premises.ask("desk", "access.correct_count", reason="counted", **told)
            case "override":
                gate = self._random.choice(self._gates)
                about |= {"gate_id": gate.gate_id, "direction": "in", "reason": "known"}
                done = await premises.ask("guard", "access.override", **about)
                await gate.report(gate.event("passage", direction="in", rid=done.command.command_id))


@pytest.fixture
async def crowd(premises: Premises, entrance: Gate, door: Gate, seed: int) -> Crowd:
    return Crowd(premises, [entrance, door], await guests(premises), seed)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_rebuild_of_whatever_happened_equals_the_live_state(premises: Premises, crowd: Crowd):
    await crowd.walk(15)

    compared = await compare(premises)

    assert (compared.differences, list(compared.differing_passes)) == (0, [])
    assert compared.events > 20 and compared.passes > 0
    assert [zone.live for zone in compared.zones] == [zone.rebuilt for zone in compared.zones]


@pytest.mark.parametrize("seed", [4, 5])
async def test_settled_events_may_be_dropped_and_a_rebuild_still_comes_out_right(
    premises: Premises, crowd: Crowd
):
    moments = []
    for _ in range(3):
        await crowd.walk(6)
        moments.append(premises.now)
        premises.house.clock.advance(hours=1)
    whole = await compare(premises)

    for moment in (moments[0], moments[1], moments[0]):
        up_to = await settled(premises, moment)
        await meddle(premises, f"DELETE FROM access_log WHERE received_at < '{up_to.isoformat()}'")

        rest = await compare(premises)
        assert (rest.differences, rest.zones) == (0, whole.zones)
    assert 0 < rest.events < whole.events


@pytest.mark.parametrize("seed", [7, 8])
async def test_who_is_erased_is_counted_on(premises: Premises, entrance: Gate, crowd: Crowd):
    """Also where a gate reports a walk of theirs only afterwards."""
    await crowd.walk(8)
    before = await compare(premises)
    gone, stays = await guests(premises, 2)
    await entrance.report(*(entrance.event(direction="in", grant_id=made.pass_id) for made in (gone, stays)))
    await premises.ask("manager", "access.erase_person", guest_pass_id=1)
    await premises.ask("manager", "access.erase_person", guest_pass_id=gone.guest_pass_id)
    premises.house.clock.advance(seconds=5)
    await entrance.report(entrance.event(direction="out", grant_id=gone.pass_id))

    between = await compare(premises)
    assert await premises.serve("access.erase_late") == 1
    after = await compare(premises)
    up_to = await settled(premises, premises.now + timedelta(hours=1))
    await meddle(premises, f"DELETE FROM access_log WHERE received_at < '{up_to.isoformat()}'")
    dropped = await compare(premises)

    assert [one.differences for one in (before, between, after, dropped)] == [0, 0, 0, 0]
    assert between.zones == after.zones == dropped.zones


async def test_days_that_have_had_their_term_are_settled_before_they_go(premises: Premises, entrance: Gate):
    await premises.serve("access.open_days")
    await entrance.report(*(entrance.event(direction="in") for _ in range(3)))
    premises.house.clock.advance(days=100)
    await premises.serve("access.open_days")
    await entrance.report(entrance.event(direction="out"))

    while await premises.serve("access.drop_days"):
        pass

    compared = await compare(premises)
    assert (compared.events, compared.differences) == (1, 0)
    assert [zone.live for zone in compared.zones] == [2, 0]


@pytest.mark.parametrize("seed", [6])
async def test_what_may_still_be_under_way_is_not_settled(premises: Premises, crowd: Crowd):
    await crowd.walk(2)

    assert await settled(premises, premises.now) == premises.now - timedelta(minutes=10)
    assert (await compare(premises)).differences == 0


async def test_a_live_state_that_is_wrong_is_told_and_put_right(premises: Premises, entrance: Gate):
    ada, bob = await guests(premises, 2)
    for holder in (ada, bob):
        await entrance.report(entrance.event(direction="in", grant_id=holder.pass_id))
    await meddle(premises, "UPDATE zones SET inside = inside + 5 WHERE name = 'hall'")
    await meddle(premises, f"UPDATE grants SET inside_zone_id = NULL, entered = 7 WHERE id = {ada.pass_id}")

    told = await compare(premises)
    repaired = await compare(premises, write=True)

    [wrong] = told.differing_passes
    hall = premises.ids["hall"]
    assert (wrong.pass_id, wrong.live_zone_id, wrong.rebuilt_zone_id) == (ada.pass_id, None, hall)
    assert (wrong.live_entered, wrong.rebuilt_entered) == (7, 1)
    assert {zone.zone_id: (zone.live, zone.rebuilt) for zone in told.zones}[hall] == (7, 2)
    assert (told.differences, told.repaired, repaired.repaired) == (2, 0, 2)
    assert (await compare(premises)).differences == 0
    assert [fact.zone_id for fact in await premises.named("zone.changed")][-1] == hall


async def test_a_pass_that_walks_while_it_is_compared_is_left_alone(premises: Premises, entrance: Gate):
    """Repairs write over what they have seen only; here another walk comes between."""
    [ada] = await guests(premises, 1)
    await entrance.report(entrance.event(direction="in", grant_id=ada.pass_id))
    await meddle(premises, "UPDATE grants SET entered = 9")
    premises.house.clock.advance(seconds=5)

    await asyncio.gather(
        compare(premises, write=True),
        entrance.report(entrance.event(direction="out", grant_id=ada.pass_id)),
        compare(premises, write=True),
    )

    await compare(premises, write=True)
    assert (await compare(premises)).differences == 0


async def test_only_an_admin_rebuilds_and_only_where_there_is_a_site(premises: Premises):
    with pytest.raises(Forbidden):
        await premises.ask("manager", "access.rebuild_occupancy", site_id=premises.ids["site"])
    with pytest.raises(NotFound):
        await premises.ask("admin", "access.rebuild_occupancy", site_id=999)
