"""A site with many gates is made once, and what is missing is added.

Proves: gatehouse/demo/stadium.py, gatehouse/demo/ground.py, gatehouse/pages.py
"""

from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from domain.kernel.caller import SERVICE
from gatehouse import pages
from gatehouse.demo import stadium
from gatehouse.demo.ground import all_of
from gatehouse.demo.place import HOUSE
from gatehouse.demo.stadium import Wish, furnish, site
from gatehouse.parts import process_of
from gatehouse.settings import BadSetting, Settings, read
from simulators.plan import load

WISH = Wish(name="Stadium", gates=3, passes=2, broker="mqtt://svc:secret@127.0.0.1:1883")


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    environ = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": database,
        "JWT_SECRET_KEY": "a secret of tests that is long enough",
        "GATEHOUSE_DATA": str(tmp_path / "data"),
    }
    return read(environ, tmp_path / "no.env")


async def test_the_fleet_file_holds_all_that_its_gates_need(settings: Settings, tmp_path: Path):
    await site(settings, WISH, tmp_path / "out")

    file = tmp_path / "out" / "fleet.json"
    fleet = load(file)
    assert (len(fleet.gates), len(fleet.people)) == (3, 6)
    assert all(gate.password and gate.to_zone for gate in fleet.gates)
    assert {person.gates[0] for person in fleet.people} == {gate.gate_id for gate in fleet.gates}
    assert fleet.public_keys
    assert fleet.broker == "mqtt://127.0.0.1:1883"
    assert file.stat().st_mode & 0o077 == 0


async def test_asked_again_with_more_gates_it_adds_those_that_are_missing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stadium, "GATES_PER_STAND", 3)
    monkeypatch.setattr(stadium, "MOST_STANDS", 2)
    async with process_of(settings) as process:
        first = await furnish(process.runtime, WISH)
        async with process.runtime.sessions.begin() as db:
            await db.execute(text("DELETE FROM idempotency"))
        again = await furnish(process.runtime, replace(WISH, gates=7, passes=0))
        accounts = await process.runtime.call(SERVICE, "access.list_device_accounts", {"pending": False})
        sites = await all_of(process.runtime, "sites.list_sites")

    assert again.gates[:3] == first.gates
    assert again.public_keys == first.public_keys
    assert len(accounts) == 7
    assert [one.name for one in sites] == ["Stadium"]
    assert [gate.to_zone and gate.to_zone.ordinal for gate in again.gates] == [0, 0, 0, 1, 1, 1, 0]


async def test_a_list_of_many_pages_is_whole_and_in_its_order(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pages, "PAGE", 2)
    names = [f"Site {number}" for number in range(5)]
    async with process_of(settings) as process:
        for name in names:
            await process.runtime.call(HOUSE, "sites.create_site", {"name": name})
        sites = await all_of(process.runtime, "sites.list_sites")

    assert [one.name for one in sites] == names


async def test_a_run_that_was_cut_off_is_taken_up(settings: Settings):
    async with process_of(settings) as process:
        site_id = (await process.runtime.call(HOUSE, "sites.create_site", {"name": "Stadium"})).site_id
        stand = {"siteId": site_id, "name": "Stand 1"}
        zone_id = (await process.runtime.call(HOUSE, "access.create_zone", stand)).zone_id
        begun = {"siteId": site_id, "name": "Turnstile 2", "toZoneId": zone_id}
        gate_id = (await process.runtime.call(HOUSE, "access.create_gate", begun)).gate_id
        fleet = await furnish(process.runtime, WISH)
        accounts = await process.runtime.call(SERVICE, "access.list_device_accounts", {"pending": False})

    assert fleet.gates[1].gate_id == gate_id
    assert {gate.to_zone and gate.to_zone.zone_id for gate in fleet.gates} == {zone_id}
    assert {gate.gate_id: gate.password for gate in fleet.gates} == {
        one.gate_id: one.password for one in accounts
    }


async def test_what_could_not_be_written_or_run_is_refused_before_anything_is_made(
    settings: Settings, tmp_path: Path
):
    nowhere = replace(settings, database_url="postgresql+asyncpg://x@127.0.0.1:1/x")
    (tmp_path / "file").write_text("")

    with pytest.raises(BadSetting, match="the address of the broker must begin with mqtt:// or mqtts://"):
        await site(nowhere, replace(WISH, broker="broker:1883"), tmp_path)
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        with pytest.raises(BadSetting, match=f"nothing can be written into {folder}"):
            await site(nowhere, WISH, folder)
