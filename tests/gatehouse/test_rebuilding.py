"""`gatehouse rebuild-occupancy` tells where the live state is not as the log says, and puts it right when told."""

from pathlib import Path

import pytest
from sqlalchemy import text

from gatehouse.rebuilding import rebuild_occupancy
from gatehouse.settings import Settings, read
from tests.premises import Gate, furnished


def settings(database: str, folder: Path) -> Settings:
    environment = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": database,
        "JWT_SECRET_KEY": "a secret that is long enough for a test",
        "GATEHOUSE_DATA": str(folder),
    }
    return read(environment, folder / "no.env")


async def test_what_is_not_as_the_log_says_ends_with_1_until_it_is_put_right(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    house = settings(database, tmp_path)
    async with furnished(database) as premises:
        entrance = Gate(premises, premises.ids["entrance"])
        await entrance.report(*(entrance.event(direction="in") for _ in range(3)))
        await rebuild_occupancy(house, [], write=False)
        assert "3 events, 0 passes" in (told := capsys.readouterr().out) and ", 0 differences" in told

        async with premises.house.runtime.sessions.begin() as db:
            await db.execute(text("UPDATE zones SET inside = 9 WHERE name = 'hall'"))
        with pytest.raises(SystemExit) as ended:
            await rebuild_occupancy(house, [premises.ids["site"]], write=False)
        assert ended.value.code == 1
        assert f"zone {premises.ids['hall']}: 9 inside, 3 by the log" in capsys.readouterr().out

        await rebuild_occupancy(house, [], write=True)
        assert "1 differences, 1 put right" in capsys.readouterr().out
        await rebuild_occupancy(house, [], write=False)


async def test_a_site_that_does_not_exist_is_told(database: str, tmp_path: Path):
    async with furnished(database):
        with pytest.raises(SystemExit) as ended:
            await rebuild_occupancy(settings(database, tmp_path), [10**9], write=False)
    assert ended.value.code == "gatehouse: There is no site 1000000000"
