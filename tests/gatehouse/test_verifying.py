"""`gatehouse verify-log` tells of every journal, and ends with 1 where something is wrong."""

from pathlib import Path

import pytest
from sqlalchemy import text

from gatehouse.settings import Settings, read
from gatehouse.verifying import verify_log
from tests.premises import furnished


def settings(database: str, folder: Path) -> Settings:
    environment = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": database,
        "JWT_SECRET_KEY": "a secret that is long enough for a test",
        "GATEHOUSE_DATA": str(folder),
    }
    return read(environment, folder / "no.env")


async def test_a_log_as_it_was_written_is_told_and_an_edited_one_ends_with_1(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    async with furnished(database) as premises:
        guest = await premises.ask(
            "member",
            "access.create_guest_pass",
            guest_name="Ada",
            start=premises.now.isoformat(),
            end=premises.now.replace(hour=18).isoformat(),
        )
        await premises.ask("desk", "access.log_visit", guest_pass_id=guest.guest_pass_id, action="enter")

        await verify_log(settings(database, tmp_path), [])
        told = capsys.readouterr().out
        assert "0 missing, last seq 1" in told
        assert "1 events verified" in told and "0 findings" in told

        async with premises.house.runtime.sessions.begin() as db:
            await db.execute(text("UPDATE access_log SET direction = 'out'"))
        with pytest.raises(SystemExit) as ended:
            await verify_log(settings(database, tmp_path), [])
        assert ended.value.code == 1
        assert "event 1 says another direction than the gate wrote" in capsys.readouterr().out


async def test_a_gate_that_does_not_exist_is_told(database: str, tmp_path: Path):
    async with furnished(database):
        with pytest.raises(SystemExit) as ended:
            await verify_log(settings(database, tmp_path), [10**9])
    assert ended.value.code == "gatehouse: There is no gate 1000000000"
