"""The accounts file on disk, where a crash leaves the old one or the new one."""

import os
from pathlib import Path

import msgspec

from gatehouse.embedded.accounts import Document


def save(path: Path, document: Document) -> None:
    """Write an accounts file, readable by its owner only."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(document)))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
