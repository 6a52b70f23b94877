"""Where log lines go, and what never stands in them."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from gatehouse import logs


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_with_a_file_the_terminal_shows_warnings_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO", file=tmp_path / "log" / "house.log")
    logging.getLogger("somebody").info("walked in")
    structlog.get_logger("somebody").warning("fell over", gate=1)
    lines = [json.loads(line) for line in (tmp_path / "log" / "house.log").read_text().splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("walked in", "info"),
        ("fell over", "warning"),
    ]
    assert lines[1]["gate"] == 1
    shown = capsys.readouterr().err
    assert "fell over" in shown
    assert "walked in" not in shown


def test_a_traceback_names_no_values_of_variables(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    password = "correct horse"
    try:
        raise ValueError("no " + str(len(password)))
    except ValueError:
        logging.getLogger("somebody").exception("could not")
    shown = capsys.readouterr().err
    assert "ValueError: no 13" in shown
    assert password not in shown
