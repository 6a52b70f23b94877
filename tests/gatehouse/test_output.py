"""A file is there when it is whole; until then, and after a failure, what was there before is."""

from pathlib import Path

import pytest

from gatehouse.output import ready, whole
from gatehouse.settings import BadSetting


def test_a_file_takes_its_place_when_it_is_whole(tmp_path: Path):
    file = tmp_path / "out"
    file.write_text("old")

    with whole(file) as lines:
        lines.write(b"new")
        assert file.read_text() == "old"

    assert file.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("ending", [KeyError, KeyboardInterrupt, SystemExit])
def test_of_a_failure_nothing_is_left(tmp_path: Path, ending: type[BaseException]):
    (tmp_path / "out").write_text("old")

    with pytest.raises(ending), whole(tmp_path / "out") as lines:
        lines.write(b"half")
        raise ending

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out", "old")]


@pytest.mark.parametrize("name", ["missing/out", "file/out", "folder", "/proc/nowhere"])
def test_what_cannot_be_written_is_refused_at_once(tmp_path: Path, name: str):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()

    with pytest.raises(BadSetting, match="cannot be written: "), whole(tmp_path / name):
        pytest.fail("the work began")

    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder"}


def test_a_folder_is_made_or_refused(tmp_path: Path):
    ready(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []

    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="nothing can be written into"):
        ready(tmp_path / "file")
