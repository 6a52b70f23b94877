"""What docs/simulators.md says of faults is so: its examples can be played, and are played where it says.

Proves: simulators/faults.py
"""

import ast
import re
from pathlib import Path
from typing import get_args

import msgspec

from simulators import faults
from simulators.faults import Fault

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "simulators.md").read_text()
KINDS = {str(kind.__struct_config__.tag): kind.__name__ for kind in get_args(Fault)}


def test_the_table_has_an_example_of_every_fault_and_each_can_be_played():
    examples = re.findall(r"^\| `(\{.*?\})`", PAGE, re.M)

    found = [msgspec.json.decode(example, type=Fault) for example in examples]

    assert {type(fault).__name__ for fault in found} == set(KINDS.values())
    for fault in found:
        faults.check([fault], [1, 2], encrypted=False)


def test_every_fault_is_played_where_the_page_says():
    _, _, proof = PAGE.partition("## The proof")
    apart = {KINDS[name] for name in re.findall(r"`(\w+)`", proof) if name in KINDS}
    chaos = set[str]().union(*map(made_in, (ROOT / "tests" / "chaos").glob("test_*.py")))

    assert apart <= made_in(ROOT / "tests" / "simulators" / "test_mount.py")
    assert set(KINDS.values()) - apart == chaos & set(KINDS.values())


def made_in(file: Path) -> set[str]:
    """The names that are called in a file."""
    calls = (node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    return {name.id for name in calls if isinstance(name, ast.Name)}
