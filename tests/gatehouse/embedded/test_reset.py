"""Emptying the data directory."""

from pathlib import Path

import pytest

from gatehouse.embedded.lock import DataInUse, held
from gatehouse.embedded.reset import empty


def test_it_removes_what_is_ours_and_names_the_rest(tmp_path: Path):
    for name in ("pg", "mosquitto", "fleet", "photos-of-mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")

    rest = empty(tmp_path)

    assert rest == [tmp_path / "photos-of-mine"]
    assert sorted(tmp_path.iterdir()) == rest


@pytest.mark.parametrize("lock", ["up.lock", "pg.lock"])
def test_it_is_refused_while_something_serves_from_it(tmp_path: Path, lock: str):
    (tmp_path / "pg").mkdir()

    with held(tmp_path / "run" / lock), pytest.raises(DataInUse, match="Stop that one first"):
        empty(tmp_path)

    assert (tmp_path / "pg").exists()


def test_a_directory_that_is_not_there_is_empty(tmp_path: Path):
    assert empty(tmp_path / "none") == []
