"""A data directory belongs to one process at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DataInUse(RuntimeError):
    """Another process holds the lock; the message names it."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; the kernel frees it even after kill -9.

    Raises: DataInUse when another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataInUse(_message(path, descriptor)) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _message(path: Path, descriptor: int) -> str:
    holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
    by = f"by process {holder}" if holder else "by another process"
    return f"{path.parent.parent} is in use {by}. Stop that one first, or choose another directory by GATEHOUSE_DATA."
