"""A crash point kills at the named place and nowhere else."""

import signal
import subprocess
import sys

import pytest

from simulators.crash import CrashPoint

SCRIPT = """
import sys
from simulators.crash import CrashPoint
crash = CrashPoint(sys.argv[1])
for turn in range(3):
    crash.reach("before_publish")
    crash.reach("after_append")
    print(turn, flush=True)
"""


@pytest.mark.parametrize(("where", "printed"), [("after_append", ""), ("after_append:3", "0\n1\n")])
def test_it_kills_the_process_at_its_point(where: str, printed: str):
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, where], check=False, capture_output=True, text=True, timeout=30
    )

    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, printed)


def test_no_point_never_kills():
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, ""], check=False, capture_output=True, text=True, timeout=30
    )

    assert (ended.returncode, ended.stdout) == (0, "0\n1\n2\n")


def test_a_point_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="there are mid_append, after_append"):
        CrashPoint("sometimes")
