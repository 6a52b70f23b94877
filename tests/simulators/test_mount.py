"""A gate loses power, its link, its clock, its journal or its identity, and the server ends up knowing all.

Proves: simulators/mount.py, simulators/trouble.py, simulators/breakage.py
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from domain.access.rules.token import Flag
from gate_bridge import wire
from simulators import upload
from simulators.control import NotPresented, present, sound
from simulators.faults import (
    YEAR_S,
    Clone,
    Crowd,
    DoubleUse,
    DuplicateId,
    FactoryReset,
    Fault,
    Flapping,
    HalfOpen,
    LateWill,
    Offline,
    PowerCut,
    WrongClock,
)
from simulators.fleet import Fleet
from simulators.plan import Person
from simulators.turnstile import Turnstile
from tests.eventually import eventually
from tests.gate_server import GateServer, gate_server
from tests.passes import a_pass
from tests.private_broker import PrivateBroker
from tests.simulators.test_fleet import gate, is_up, running, written


@asynccontextmanager
async def troubled(
    broker: PrivateBroker, folder: Path, *faults: Fault, speed: float = 1.0
) -> AsyncIterator[tuple[GateServer, Fleet]]:
    """Two gates, of which the first meets these faults, and the server that hears of them."""
    plan: dict[str, Any] = {
        "faults": faults,
        "speed": speed,
        "people": (Person(token=a_pass(7), gates=(1,)),),
    }
    path = written(folder, broker, gate(1, keepalive_s=1), gate(2), **plan)
    async with gate_server(broker.url) as server, running(path) as fleet:
        yield server, fleet


def at(fleet: Fleet, gate_id: int = 1) -> Turnstile:
    found = fleet.gate(gate_id)
    assert found is not None
    return found


def fill(gate: Turnstile) -> None:
    """Leave no room for the journal to grow."""
    (pages,) = gate.journal.database.execute("pragma page_count").fetchone()
    gate.journal.database.execute(f"pragma max_page_count = {pages}")


async def all_told(server: GateServer, fleet: Fleet) -> None:
    """Return when the server has the whole journal of the first gate, and no number twice."""

    def same() -> bool:
        journal, found = at(fleet).journal, fleet.gate(1)
        mine = [seq for (number, epoch, seq) in server.rows if (number, epoch) == (1, journal.epoch)]
        return found is not None and sorted(mine) == list(range(1, journal.last_seq + 1))

    await eventually(lambda: fleet.gate(1) is not None and same(), 20)


async def test_a_power_cut_in_the_middle_of_a_write_costs_no_event(broker: PrivateBroker, tmp_path: Path):
    async with troubled(broker, tmp_path, PowerCut(at_s=0.3, dark_s=0.2, gates=(1,))) as (server, fleet):
        await eventually(lambda: server.kinds().count("boot") == 2)
        await all_told(server, fleet)

        assert server.kinds(2) == ["boot"]


async def test_a_gate_that_loses_power_or_is_reset_is_gone_at_once(broker: PrivateBroker, tmp_path: Path):
    async with troubled(broker, tmp_path) as (server, fleet):
        power, reset = fleet._mounts[1], fleet._mounts[2]

        power.lose_power(0.1)
        reset.reset()

        assert (fleet.gate(1), fleet.gate(2)) == (None, None)
        with pytest.raises(NotPresented, match="no gate 1; it has none"):
            await present(tmp_path / "fleet.sock", 1, a_pass())
        power.lose_power(0.1)
        reset.reset()
        await eventually(lambda: is_up(fleet, 1) and is_up(fleet, 2))
        await all_told(server, fleet)
        assert server.kinds(1) == ["boot", "boot"]


async def test_a_gate_whose_disk_is_full_is_out_of_order_alone(
    broker: PrivateBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async with troubled(broker, tmp_path) as (server, fleet):
        fill(at(fleet))
        with pytest.raises(NotPresented, match="gate 1 is out of order: database or disk is full"):
            for _ in range(100):
                await sound(tmp_path / "fleet.sock", 1, "tamper", on=True)
        await eventually(lambda: server.kinds(1).count("boot") == 2)
        await all_told(server, fleet)

        assert "gate 1 fell over and starts again" in caplog.text
        assert server.kinds(2) == ["boot"]


async def test_a_gate_that_cannot_read_its_journal_when_its_turn_comes_is_out_of_order_alone(
    broker: PrivateBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(upload, "PATIENCE_S", 0.1)
    async with troubled(broker, tmp_path) as (server, fleet):
        await eventually(lambda: at(fleet).journal.depth == 0)
        server.acknowledges = False
        at(fleet).alarm("tamper", on=True)
        at(fleet).journal.database.execute("drop table event")
        await eventually(lambda: fleet.gate(1) is None)

        assert is_up(fleet, 2)


async def test_what_happens_to_a_gate_without_a_disk_is_borne_by_it_alone(
    broker: PrivateBroker, tmp_path: Path
):
    wrong = WrongClock(at_s=0.5, by_s=60, lasts_s=0.5, gates=(1,))
    clone = Clone(at_s=1.5, lasts_s=1, gates=(1,))
    async with troubled(broker, tmp_path, wrong, clone, PowerCut(at_s=2, dark_s=0.1, gates=(2,))) as (
        server,
        fleet,
    ):
        await eventually(lambda: at(fleet).journal.depth == 0)
        at(fleet).journal.close()

        await eventually(lambda: server.kinds(2) == ["boot", "boot"])
        await eventually(lambda: server.kinds(1) == ["boot", "boot"])


async def test_a_day_without_a_link_is_lived_through_in_seconds_and_told_afterwards(
    broker: PrivateBroker, tmp_path: Path
):
    away = Offline(at_s=20_000, gates=(1,))
    async with troubled(broker, tmp_path, away, speed=86_400 / 2) as (server, fleet):
        await eventually(lambda: fleet.gate(1) and not at(fleet).connected)
        at(fleet).alarm("tamper", on=True)
        await eventually(lambda: is_up(fleet, 1))
        at(fleet).alarm("tamper", on=False)
        await all_told(server, fleet)

        on, off = (event for event in server.rows.values() if event.kind.startswith("alarm"))
        assert off.at_ms - on.at_ms > 10 * 3600 * 1000


async def test_a_flapping_link_comes_back_each_time(broker: PrivateBroker, tmp_path: Path):
    flapping = Flapping(at_s=0, lasts_s=3, every_s=1, gates=(1,))
    async with troubled(broker, tmp_path, flapping) as (server, fleet):
        births = [said for said in server.states if isinstance(said, wire.Birth)]
        await eventually(lambda: at(fleet).journal.session >= 4)
        await all_told(server, fleet)

        assert births


async def test_a_dead_link_is_given_up_and_replaced(
    broker: PrivateBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(upload, "PATIENCE_S", 0.5)
    async with troubled(broker, tmp_path, HalfOpen(at_s=0, gates=(1,))) as (server, fleet):
        session = at(fleet).journal.session
        at(fleet).alarm("tamper", on=True)
        await eventually(lambda: at(fleet).journal.session > session, 20)
        await all_told(server, fleet)


async def test_a_clock_that_is_wrong_is_not_trusted_until_it_is_set_right(
    broker: PrivateBroker, tmp_path: Path
):
    wrong = WrongClock(at_s=0, by_s=YEAR_S, lasts_s=2, gates=(1,))
    async with troubled(broker, tmp_path, wrong) as (server, fleet):
        await eventually(lambda: at(fleet)._now_ms() / 1000 > YEAR_S + 1e9)
        for on in (True, False):
            at(fleet).alarm("tamper", on=on)
            await at(fleet).wait_drained(5)
        await eventually(lambda: "clock_step" in server.kinds())
        await at(fleet).wait_drained(5)
        at(fleet).alarm("tamper", on=True)
        await all_told(server, fleet)

        events = sorted(
            (event for event in server.rows.values() if event.pass_id is None), key=lambda e: e.seq
        )
        kinds = [
            (event.kind, event.clock) for (number, *_), event in sorted(server.rows.items()) if number == 1
        ]
        assert events
        # of the first nobody knows: the clock jumped just before or just after the server's time was heard
        assert [kind for kind, _ in kinds[-4:]] == ["alarm_on", "alarm_off", "clock_step", "alarm_on"]
        assert [clock for _, clock in kinds[-3:]] == ["unsure", "ok", "ok"]
        assert max(abs(beat.clock_offset_ms or 0) for beat in server.beats) > YEAR_S * 900


async def test_two_devices_of_one_account_throw_each_other_out(broker: PrivateBroker, tmp_path: Path):
    doubled = DuplicateId(at_s=0, lasts_s=2, gates=(1,))
    async with troubled(broker, tmp_path, doubled) as (server, fleet):
        session = at(fleet).journal.session
        await eventually(lambda: at(fleet).journal.session >= session + 2, 20)
        await all_told(server, fleet)


async def test_a_factory_reset_begins_a_journal_that_says_so(broker: PrivateBroker, tmp_path: Path):
    async with troubled(broker, tmp_path, FactoryReset(at_s=0.5, gates=(1,))) as (server, fleet):
        epoch = at(fleet).journal.epoch
        await eventually(lambda: fleet.gate(1) is not None and at(fleet).journal.epoch != epoch)
        await all_told(server, fleet)

        first = server.rows[1, at(fleet).journal.epoch, 1]
        assert (first.kind, first.extra) == ("journal_lost", {"why": "reset"})


async def test_a_late_will_names_a_connection_before_the_birth(broker: PrivateBroker, tmp_path: Path):
    async with troubled(broker, tmp_path, LateWill(at_s=0.2, gates=(1,))) as (server, fleet):
        await eventually(lambda: any(isinstance(said, wire.Death) for said in server.states))

        death = next(said for said in server.states if isinstance(said, wire.Death))
        assert death.session < at(fleet).journal.session
        assert at(fleet).connected


async def test_a_crowd_walks_through_its_gate(broker: PrivateBroker, tmp_path: Path):
    crowd = Crowd(at_s=0, lasts_s=3600, per_minute=60, refused=0.2, retries=1, gates=(1,))
    async with troubled(broker, tmp_path, crowd, speed=60) as (server, fleet):
        await eventually(lambda: server.kinds().count("passage") >= 10, 20)

        assert server.kinds(2) == ["boot"]
        assert is_up(fleet, 2)


async def test_two_gates_without_a_link_let_the_same_pass_in_and_both_say_so(
    broker: PrivateBroker, tmp_path: Path
):
    token = a_pass(9, flags=Flag.SINGLE_ENTRY)
    async with troubled(broker, tmp_path, DoubleUse(at_s=0, lasts_s=1, token=token, gates=(1, 2))) as (
        server,
        _,
    ):
        await eventually(
            lambda: server.kinds(1).count("passage") == 1 == server.kinds(2).count("passage"), 20
        )

        passages = [event for event in server.rows.values() if event.kind == "passage"]
        assert [event.pass_id for event in passages] == [9, 9]
