"""Whatever happens to a gate and its link, the log is the union of the journals; see `test_gates.py` for the list."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from simulators.faults import (
    DAY_S,
    YEAR_S,
    Clone,
    DuplicateId,
    FactoryReset,
    HalfOpen,
    Offline,
    PowerCut,
    WrongClock,
)
from tests.chaos.at_work import Work, at_work
from tests.chaos.world import Fleet
from tests.eventually import eventually

pytestmark = pytest.mark.crash
LONG_S = 600.0
"""Until the plan is changed."""


async def test_gates_that_lose_power_in_the_middle_of_a_write_lose_no_event_and_double_none(
    own_folder: Path, database: str
):
    async with at_work(own_folder, database) as work:
        one, other, third = work.made.fleets
        await asyncio.gather(*(work.has(fleet, "boot") for fleet in work.made.fleets))
        work.strike(one, PowerCut(at_s=0, dark_s=0.5))
        work.strike(other, PowerCut(at_s=0, dark_s=0.5, of="process"))
        work.strike(third, PowerCut(at_s=0, dark_s=3))
        # A gate that gets a cable or a process of its own starts anew for that, before its power is cut.
        await asyncio.gather(*(work.has(fleet, "boot", 3) for fleet in (one, third)))
        work.strike(one, PowerCut(at_s=0, dark_s=0.1))
        await work.has(one, "boot", 4)
        log = own_folder / "log" / "simulators-fleet.json"
        await eventually(lambda: "ended with -9" in log.read_text(), timeout_s=30)
        await work.has(other, "boot", 2)


async def test_a_gate_that_was_away_for_a_day_brings_the_whole_day(own_folder: Path, database: str):
    async with at_work(own_folder, database) as work:
        away = work.made.fleets[0]
        await work.has(away, "passage")
        work.strike(away, Offline(at_s=0), speed=DAY_S / 8)
        late = "SELECT count(*) FROM access_log WHERE gate_id = $1 AND historical AND kind = 'passage'"
        await work.until(f"{late} AND received_at - at > interval '20 hours'", away.gate.gate_id)
        await work.until(f"{late} AND received_at - at < interval '5 hours'", away.gate.gate_id)


async def test_a_link_that_is_dead_and_does_not_say_so_is_replaced(own_folder: Path, database: str):
    async with at_work(own_folder, database) as work:
        deaf = work.made.fleets[0]
        before = await _births(work, deaf)
        work.strike(deaf, HalfOpen(at_s=1), keepalive_s=2)

        async def came_back() -> bool:
            return await _births(work, deaf) >= before + 2

        await eventually(came_back, timeout_s=40)


async def test_two_devices_of_one_account_throw_each_other_out_and_nothing_is_lost(
    own_folder: Path, database: str
):
    async with at_work(own_folder, database) as work:
        doubled = work.made.fleets[0]
        before = await _births(work, doubled)
        work.strike(doubled, DuplicateId(at_s=0, lasts_s=LONG_S))

        async def came_back_often() -> bool:
            return await _births(work, doubled) >= before + 4

        await eventually(came_back_often, timeout_s=40)
        work.strike(doubled)


async def test_a_cloned_gate_is_noticed_and_changes_nothing_that_was_recorded(
    own_folder: Path, database: str
):
    async with at_work(own_folder, database) as work:
        cloned = work.made.fleets[0]
        await work.has(cloned, "passage")
        # By the time the clone is switched on, the gate itself has used the clone's next number.
        work.strike(cloned, Clone(at_s=0, age_s=6, lasts_s=LONG_S, starts=1))
        raised = (
            "SELECT count(*) FROM alarms WHERE kind = 'contradiction' AND state = 'raised' AND gate_id = $1"
        )
        await work.until(raised, cloned.gate.gate_id)
        contradicted = (
            "SELECT count(DISTINCT payload) FROM quarantine"
            " WHERE gate_id = $1 AND reason LIKE 'hash:%reported before%'"
        )
        await work.until(contradicted, cloned.gate.gate_id)
        work.strike(cloned)
        work.expected = {r"quarantine: hash: event \d+ was reported before with another content"}


async def test_a_gate_set_back_to_the_factory_begins_a_journal_that_says_so(own_folder: Path, database: str):
    async with at_work(own_folder, database, walkers=False) as work:
        reset = work.made.fleets[0]
        await work.shown(reset, reset.tokens[0])
        await work.has(reset, "passage")
        first = await work.count("SELECT count(*) FROM gate_epochs WHERE gate_id = $1", reset.gate.gate_id)
        await eventually(partial(_drained, work, reset), timeout_s=30)
        work.strike(reset, FactoryReset(at_s=0))
        await work.has(reset, "journal_lost")
        await work.shown(reset, reset.tokens[1])
        await work.has(reset, "passage", 2)

        epochs = "SELECT count(*) FROM gate_epochs WHERE gate_id = $1"
        assert await work.count(epochs, reset.gate.gate_id) == first + 1
        kinds = await work.kinds(reset)
        assert kinds[kinds.index("journal_lost") + 1] == "boot"


async def test_clocks_that_are_wrong_by_a_year_or_an_hour_are_noticed_and_set_right(
    own_folder: Path, database: str
):
    off = (-YEAR_S, YEAR_S, 3600)
    async with at_work(own_folder, database, roles=("ingest", "decide")) as work:
        for fleet, by_s in zip(work.made.fleets, off, strict=True):
            work.strike(fleet, WrongClock(at_s=0, by_s=by_s, lasts_s=LONG_S))
        await asyncio.gather(*(_was_noticed(work, *one) for one in zip(work.made.fleets, off, strict=True)))
        for fleet, by_s in zip(work.made.fleets, off, strict=True):
            work.strike(fleet)
            await work.has(fleet, "clock_step")
            stepped = "SELECT (detail ->> 'by_ms')::bigint FROM access_log WHERE gate_id = $1 AND kind = 'clock_step'"
            assert abs(await work.count(stepped, fleet.gate.gate_id) + by_s * 1000) < 2000


async def _was_noticed(work: Work, fleet: Fleet, by_s: int) -> None:
    """Wait until the gate has said how wrong its clock is, and that it does not trust it."""
    where = fleet.gate.gate_id
    await work.until(
        "SELECT count(*) FROM gates WHERE id = $1 AND abs(clock_offset_ms - $2) < 5000", where, by_s * 1000
    )
    unsure = "SELECT count(*) FROM access_log WHERE gate_id = $1 AND clock = 'unsure'"
    await work.until(f"{unsure} AND abs(extract(epoch FROM at - received_at) - $2) < 60", where, by_s)


async def _births(work: Work, fleet: Fleet) -> int:
    """Return the number of the gate's newest connection."""
    return await work.count("SELECT coalesce(max(birth), 0) FROM gates WHERE id = $1", fleet.gate.gate_id)


async def _drained(work: Work, fleet: Fleet) -> bool:
    """Tell whether everything the gate has said since it came up is there, and it has nothing more to say."""
    kinds = await work.kinds(fleet)
    stands = "SELECT max(watermark) FROM gate_epochs WHERE gate_id = $1"
    return kinds[-1:] == ["passage"] and await work.count(stands, fleet.gate.gate_id) == len(kinds)
