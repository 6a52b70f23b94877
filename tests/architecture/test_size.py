"""No file eats the project: one noun per file, and functions that fit a glance."""

from pathlib import Path

from tests.architecture.sources import PACKAGES, ROOT, functions, length, modules

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
BROWSER_SOURCES = {".ts", ".svelte", ".css"}


def test_no_file_is_longer_than_the_ceiling():
    browser = [path for path in (ROOT / "dashboard" / "src").rglob("*") if path.suffix in BROWSER_SOURCES]
    files = [*(ROOT / path for path in modules(*PACKAGES, "tests", "bench")), *browser]

    too_long = {
        str(path.relative_to(ROOT)): lines for path in files if (lines := line_count(path)) > LONGEST_FILE
    }

    assert not too_long, "split by noun"


def test_no_function_is_longer_than_the_ceiling():
    too_long = {
        f"{path}:{function.lineno} {function.name}": length(function)
        for path in modules(*PACKAGES)
        for function in functions(path)
        if length(function) > LONGEST_FUNCTION
    }

    assert not too_long, "give its parts names"


def line_count(path: Path) -> int:
    return len(path.read_text().splitlines())
