"""Folders for servers: with a path short enough for sockets, and gone after the test."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def short_folder() -> Iterator[Path]:
    """Return a new folder right below the temporary directory."""
    with tempfile.TemporaryDirectory(prefix="gh-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def services_folder() -> Iterator[Path]:
    """Where the servers that tests of this worker share keep their files."""
    with short_folder() as folder:
        yield folder


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A data directory for one test: for servers of its own, or for `gatehouse up`."""
    with short_folder() as folder:
        yield folder
