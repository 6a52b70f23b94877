"""The recipes of docs/evidence.md work as they stand there, on what a house of ours hands out.

Proves: gatehouse/exporting.py
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gatehouse.exporting import export_roots
from gatehouse.settings import read
from tests.premises import Premises, furnished
from tests.reports import Reporter, expect_guest, seal

PAGE = Path(__file__).parents[2] / "docs" / "evidence.md"


def recipe(language: str, name: str) -> str:
    """The block of the page that has this name."""
    (block,) = re.findall(rf"^```{language} {name}\n(.*?)^```$", PAGE.read_text(), re.S | re.M)
    return str(block)


def python(name: str, file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", recipe("python", name), str(file)], capture_output=True, text=True, check=False
    )


@pytest.fixture
async def reported(database: str) -> AsyncIterator[Premises]:
    async with furnished(database) as premises:
        await expect_guest(premises)
        gate = Reporter(premises)
        for _ in range(3):
            await gate.report(5)
            await seal(premises)
        yield premises


@pytest.fixture
async def export(reported: Premises, database: str, tmp_path: Path) -> Path:
    await reported.ask("manager", "access.erase_person", guest_pass_id=1)
    environment = {"ENVIRONMENT": "test", "DATABASE_URL": database, "JWT_SECRET_KEY": "a secret of tests"}
    await export_roots(
        read(environment, tmp_path / "no.env"), reported.ids["site"], tmp_path / "roots.ndjson"
    )
    return tmp_path / "roots.ndjson"


async def test_an_export_is_checked_with_a_few_lines_of_python(export: Path):
    lines = export.read_text().splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["key", "root", "root", "root", "omission"]

    checked = python("export", export)
    assert (checked.returncode, checked.stdout) == (0, "{1: 3}\n"), checked.stderr

    for place, old, new in ((1, '"count":5', '"count":4'), (4, '"events":', '"events":1'), (2, lines[2], "")):
        changed = list(lines)
        changed[place] = changed[place].replace(old, new)
        export.write_text("\n".join(line for line in changed if line) + "\n")
        assert python("export", export).returncode != 0, place


async def test_one_event_is_checked_with_a_few_lines_of_python(reported: Premises, tmp_path: Path):
    for access_id in (1, 8, 15):
        proof = await reported.ask("manager", "access.prove_event", access_id=access_id)
        file = tmp_path / "proof.json"
        file.write_bytes(msgspec.json.encode(proof))
        checked = python("event", file)
        assert (checked.returncode, json.loads(checked.stdout or "0")["s"]) == (0, proof.seq), checked.stderr

        told = json.loads(file.read_text())
        told["seq"] += 1
        file.write_text(json.dumps(told))
        assert python("event", file).returncode != 0


@pytest.mark.skipif(
    not all(map(shutil.which, ("openssl", "jq", "xxd"))), reason="the recipe is for machines that have these"
)
async def test_one_statement_is_checked_with_openssl(export: Path):
    def openssl() -> str:
        ran = subprocess.run(
            ["sh", "-c", recipe("sh", "openssl")],
            cwd=export.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.stdout + ran.stderr

    assert "Signature Verified Successfully" in openssl()
    export.write_text(export.read_text().replace('"count":5', '"count":6'))
    assert "Signature Verification Failure" in openssl()
