"""Tests mirror the tree, so that for each module one knows where it is proved.

`channels/stream.py` is proved by `tests/channels/test_stream.py`; a folder as a whole by a test of its name
(`tests/domain/access/test_operations.py`). A test module that proves more says so in its docstring:
"Proves: channels/memory.py, channels/redis/". Modules that only declare need none.
"""

import ast
import re
from pathlib import Path

from tests.architecture.sources import PACKAGES, ROOT, modules, tree

DECLARATIONS = {"__init__", "catalogue", "events", "exceptions", "ports", "tables"}
NAMED = re.compile(r"[\w/]+(?:\.py|/)")


def test_every_module_is_proved_somewhere():
    proved = proofs()

    unproved = [
        str(path) for path in modules(*PACKAGES) if not is_declaration(path) and not is_proved(path, proved)
    ]

    assert not unproved, "no test module proves\n  " + "\n  ".join(unproved)


def test_every_test_module_of_a_package_proves_something_that_exists():
    strays = [
        str(test) for test in package_tests() if not any((ROOT / proof).exists() for proof in proofs_of(test))
    ]

    assert not strays, "no source has the name of\n  " + "\n  ".join(strays)


def test_what_a_docstring_says_is_proved_exists():
    missing = [name for test in modules("tests") for name in named_in(test) if not (ROOT / name).exists()]

    assert not missing


def is_declaration(path: Path) -> bool:
    return path.stem in DECLARATIONS or "tables" in path.parts


def is_proved(path: Path, proved: set[Path]) -> bool:
    return not proved.isdisjoint([path, *path.parents])


def proofs() -> set[Path]:
    return {proof for test in modules("tests") for proof in proofs_of(test)}


def package_tests() -> list[Path]:
    tests = modules(*(f"tests/{package}" for package in PACKAGES))
    return [test for test in tests if test.name.startswith("test_")]


def proofs_of(test: Path) -> set[Path]:
    """Return the module and the folder of a test's own name, and what its docstring adds."""
    own = Path(*test.parts[1:-1], test.stem.removeprefix("test_"))
    mirrored = {own, own.with_suffix(".py")} if test.name.startswith("test_") else set()
    return mirrored | named_in(test)


def named_in(test: Path) -> set[Path]:
    docstring = ast.get_docstring(tree(test)) or ""
    _, _, said = docstring.partition("\nProves: ")
    return {Path(name) for name in NAMED.findall(said.split("\n\n")[0])}
