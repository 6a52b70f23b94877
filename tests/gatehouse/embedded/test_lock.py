"""A data directory belongs to one process at a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse.embedded.lock import DataInUse, held

HOLD = """
import sys
from pathlib import Path
from gatehouse.embedded.lock import held

with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_is_refused_and_told_who_the_first_is(tmp_path: Path):
    lock = tmp_path / "var" / "run" / "up.lock"

    with (
        held(lock),
        pytest.raises(DataInUse, match=f"{tmp_path / 'var'} is in use by process {os.getpid()}"),
        held(lock),
    ):
        pytest.fail("must not hold it")

    with held(lock):
        pass


def test_a_killed_holder_frees_it(tmp_path: Path):
    lock = tmp_path / "run" / "up.lock"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(DataInUse, match=f"process {holder.pid}"), held(lock):
            pytest.fail("must not hold it")

        holder.kill()
        holder.wait()

        with held(lock):
            pass
