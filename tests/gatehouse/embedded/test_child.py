"""A child process ends in order, and never outlives its parent."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from gatehouse.embedded.child import Child, Command, StartFailed, rotate, run
from tests.eventually import eventually

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""
PARENT = """
import asyncio, sys
from pathlib import Path
from gatehouse.embedded.child import Child, Command

async def main():
    child = await Child.start(Command(argv=("sleep", "60"), log=Path(sys.argv[1])))
    print(child.pid, flush=True)
    await child.wait()

asyncio.run(main())
"""


async def test_it_ends_when_asked(tmp_path: Path):
    child = await Child.start(Command(argv=("sleep", "60"), log=tmp_path / "log"))

    assert await child.stop() == -signal.SIGTERM
    assert not child.running


async def test_one_that_does_not_listen_is_killed_at_the_deadline(tmp_path: Path):
    child = await Child.start(Command(argv=(sys.executable, "-c", STUBBORN), log=tmp_path / "log"))
    await eventually(lambda: "ready" in (tmp_path / "log").read_text())

    assert await child.stop(deadline_s=0.05) == -signal.SIGKILL


async def test_stopping_one_that_has_already_ended_returns_its_exit_code(tmp_path: Path):
    child = await Child.start(Command(argv=("sh", "-c", "exit 3"), log=tmp_path / "log"))

    await child.wait()

    assert await child.stop() == 3
    child.kill()


async def test_it_has_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it(tmp_path: Path):
    child = await Child.start(Command(argv=("sleep", "60"), log=tmp_path / "log"))

    assert os.getsid(child.pid) == child.pid

    await child.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux promises that")
async def test_it_ends_with_a_parent_that_was_killed(tmp_path: Path):
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path / "log"), stdout=asyncio.subprocess.PIPE, env=environment()
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())

    parent.kill()
    await parent.wait()

    await eventually(lambda: not is_running(child))


async def test_a_program_that_fails_says_which_it_was_and_what_it_printed_last(tmp_path: Path):
    with pytest.raises(StartFailed, match=r"(?s)sh failed \(exit code 7\).*no room left"):
        await run(Command(argv=("sh", "-c", "echo no room left; exit 7"), log=tmp_path / "log"), deadline_s=5)


async def test_a_program_that_hangs_is_ended_at_its_deadline(tmp_path: Path):
    with pytest.raises(StartFailed, match=r"did not finish within 0\.05 s"):
        await run(Command(argv=("sleep", "60"), log=tmp_path / "log"), deadline_s=0.05)


def test_a_log_that_has_grown_too_long_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gatehouse.embedded.child.LOG_LIMIT", 3)
    (tmp_path / "a.log").write_text("long")

    rotate(tmp_path / "a.log")

    assert not (tmp_path / "a.log").exists()
    assert (tmp_path / "a.old").read_text() == "long"


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


def is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
