"""The programs in C, compiled when they are needed, and the folder where everything fetched or built is kept."""

import asyncio
import os
import resource
import shutil
from pathlib import Path

BENCH = Path(__file__).parents[1]
CACHE = BENCH.parent / ".boot" / "bench"
SOURCES = BENCH / "c"
PROGRAMS = {"load": ("load.c", "clients.c"), "floor": ("floor.c",)}
SPARE_FILES = 600


class Missing(RuntimeError):
    """Something to measure with, or beside, is not to be had here; the message says what and why."""


async def program(name: str) -> Path:
    """Return a program of `bench/c`, compiled if its sources are newer than it.

    Raises:
        Missing: There is no C compiler.
    """
    sources = [SOURCES / source for source in PROGRAMS[name]]
    made = CACHE / "bin" / name
    newest = max(file.stat().st_mtime for file in SOURCES.iterdir())
    if made.exists() and made.stat().st_mtime > newest:
        return made
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise Missing("no C compiler: apt-get install gcc")
    made.parent.mkdir(parents=True, exist_ok=True)
    await output_of(compiler, "-O2", "-Wall", "-Wextra", "-o", made, *sources)
    return made


async def output_of(*argv: str | Path, cwd: Path | None = None, within_s: float = 300) -> str:
    """Run a program to its end and return what it printed.

    Raises:
        Missing: It failed; the message ends with its last words.
    """
    child = await asyncio.create_subprocess_exec(
        *argv, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(within_s):
            printed, _ = await child.communicate()
    except TimeoutError:
        child.kill()
        await child.wait()
        raise Missing(f"{Path(argv[0]).name} took longer than {within_s:.0f} s") from None
    text = printed.decode(errors="replace")
    if child.returncode:
        raise Missing(f"{Path(argv[0]).name} failed: {' '.join(text.split())[-200:]}")
    return text


def raise_file_limit() -> int:
    """Let this process and its children open as many files as the system allows; return how many connections fit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _system_limit() if hard == resource.RLIM_INFINITY else hard
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_system_limit(), _system_limit()))
        allowed = _system_limit()
    except (ValueError, OSError):  # only root with all capabilities may raise the hard limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed - SPARE_FILES


def _system_limit() -> int:
    return int(Path("/proc/sys/fs/nr_open").read_text())


def environment(**more: str) -> dict[str, str]:
    """Return a small environment for a server, with nothing of this process's own settings."""
    kept = {name: text for name, text in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return {**kept, **more}
