"""A site with many gates is made once, and what is missing is added."""

from pathlib import Path

import pytest

from domain.kernel.caller import SERVICE
from gatehouse.demo.stadium import Wish, furnish, site
from gatehouse.parts import process_of
from gatehouse.settings import Settings, read
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


async def test_asked_again_with_more_gates_it_adds_those_that_are_missing(settings: Settings):
    async with process_of(settings) as process:
        first = await furnish(process.runtime, WISH)
        again = await furnish(process.runtime, Wish(name="Stadium", gates=5, passes=0, broker=WISH.broker))
        accounts = await process.runtime.call(SERVICE, "access.list_device_accounts", {"pending": False})

    assert again.gates[:3] == first.gates
    assert len(accounts) == 5
