"""Files that commands write for people: what cannot be written is told before the work begins."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from gatehouse.settings import BadSetting


@contextmanager
def whole(file: Path) -> Iterator[BinaryIO]:
    """Have a file written beside, and put in its place when the block has ended well; otherwise nothing is left of it.

    Raises:
        BadSetting: it cannot be written there.
    """
    part = file.with_name(f"{file.name}.part")
    if file.is_dir():
        raise BadSetting(f"{file} cannot be written: it is a folder")
    try:
        lines = part.open("wb")
    except OSError as problem:
        raise BadSetting(f"{file} cannot be written: {problem.strerror}") from problem
    try:
        with lines:
            yield lines
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def ready(folder: Path) -> None:
    """Make a folder unless it is there, and see whether it takes files.

    Raises:
        BadSetting: it does not.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        raise BadSetting(f"nothing can be written into {folder}: {problem.strerror}") from problem
