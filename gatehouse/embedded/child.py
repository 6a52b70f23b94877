"""One child process: in a session of its own, gone when its parent is, stopped in order.

1. Ctrl-C at the terminal does not reach it (it has a session of its own): the parent decides when it ends.
2. It does not outlive its parent, even one killed with -9, where the system can promise that (Linux).
3. What it prints lands in a log file, whose last lines are in the error when it does not start.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

LOG_LIMIT = 10_000_000
PR_SET_PDEATHSIG = 1


class StartFailed(RuntimeError):
    """A program did not start; the message says which, and what it printed last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run, as whom, and how it is asked to end."""

    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] | None = None
    user: int | None = None
    group: int | None = None
    goodbye: signal.Signals = signal.SIGTERM

    @property
    def name(self) -> str:
        return Path(self.argv[0]).name


class Child:
    """A process that was started here and is ended here."""

    def __init__(self, process: asyncio.subprocess.Process, command: Command) -> None:
        self._process = process
        self._command = command

    @classmethod
    async def start(cls, command: Command) -> "Child":
        """Start it. It is bound to the life of the calling thread, which so must be the main one."""
        rotate(command.log)
        with command.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=command.env,
                start_new_session=True,
                preexec_fn=_bind(command),
            )
        return cls(process, command)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def wait(self) -> int:
        """Return its exit code once it has ended."""
        return await self._process.wait()

    def kill(self) -> None:
        """Kill it with -9, as a crash would."""
        self._signal(signal.SIGKILL)

    async def stop(self, deadline_s: float = 10) -> int:
        """Ask it to end, and kill its whole group when it has not by the deadline."""
        self._signal(self._command.goodbye)
        try:
            async with asyncio.timeout(deadline_s):
                return await self.wait()
        except TimeoutError:
            self._kill_group()
            return await self.wait()
        except asyncio.CancelledError:
            self._kill_group()
            raise

    def failure(self, why: str) -> StartFailed:
        """Return the error that tells why this child is of no use, with its last words."""
        code = "" if self.running else f" (exit code {self.returncode})"
        return StartFailed(f"{self._command.name} {why}{code}. {last_words(self._command.log)}")

    def _signal(self, number: signal.Signals) -> None:
        if self.running:
            # Not Popen.send_signal, which may reap the process before the loop's watcher learns its exit code.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _kill_group(self) -> None:
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


async def run(command: Command, deadline_s: float) -> None:
    """Run a program to its end.

    Raises: StartFailed with what it printed, when it fails or takes longer than the deadline.
    """
    child = await Child.start(command)
    try:
        async with asyncio.timeout(deadline_s):
            code = await child.wait()
    except TimeoutError:
        raise child.failure(f"did not finish within {deadline_s:g} s") from None
    finally:
        await child.stop(0)
    if code:
        raise child.failure("failed")


def rotate(log: Path) -> None:
    """Keep a log file from growing for ever: one old one is kept beside it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".old"))


def last_words(log: Path, count: int = 8) -> str:
    """Return the last lines of a log, for an error message."""
    try:
        lines = log.read_text(errors="replace")[-4000:].strip().splitlines()[-count:]
    except OSError:
        lines = []
    return f"Its log {log} ends with:\n  " + "\n  ".join(lines) if lines else f"Its log is {log}."


def _bind(command: Command) -> Callable[[], None]:
    """Return what the forked process does before it becomes the program: small, as after any fork."""
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def between_fork_and_exec() -> None:
        if command.group is not None:
            os.setgroups([])
            os.setgid(command.group)
        if command.user is not None:
            os.setuid(command.user)
        if libc is not None:
            # After setuid, which would clear it.
            libc.prctl(PR_SET_PDEATHSIG, int(command.goodbye))
            if os.getppid() != parent:
                os._exit(1)

    return between_fork_and_exec
