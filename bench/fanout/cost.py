"""What a process and its children have cost: CPU by the scheduler's own account, and memory."""

import os
from pathlib import Path

import psutil


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process tree has used.

    The scheduler counts in nanoseconds what utime and stime tell in hundredths of a second; it leaves out threads that
    have ended, so that those times are taken where they are longer by more than they can be wrong.
    """
    return sum(max(_scheduled_s(one.pid), _ticks_s(one) - 0.02) for one in _tree(pid))


def memory_bytes(pid: int) -> int:
    """Return the resident memory of a process tree, pages of several processes divided among them."""
    return sum(_proportional_bytes(one.pid) for one in _tree(pid))


def _tree(pid: int) -> list[psutil.Process]:
    mine = psutil.Process(pid)
    return [mine, *mine.children(recursive=True)]


def _scheduled_s(pid: int) -> float:
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            total += int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue  # it has ended meanwhile
    return total / 1e9


def _ticks_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _proportional_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
