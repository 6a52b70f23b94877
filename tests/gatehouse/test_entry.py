"""Who may open a socket follows from the settings and from what the machine allows."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse.entry import SPARE_FILES, entry_of
from gatehouse.settings import read


@pytest.fixture
def files() -> Iterator[tuple[int, int]]:
    """The limit of open files, put back afterwards."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield limit
    resource.setrlimit(resource.RLIMIT_NOFILE, limit)


def test_pages_of_the_public_address_and_of_named_origins_may_connect(files, tmp_path: Path):
    given = {
        "PUBLIC_URL": "https://house.example.com/start",
        "WEBSOCKET_ORIGINS": "https://a.example.org, https://*.b.org",
        "TRUSTED_PROXIES": "10.0.0.0/8",
    }
    entry = entry_of(read(given, tmp_path / ".env"))
    assert entry.origins == ("https://a.example.org", "https://*.b.org", "https://house.example.com")
    assert entry.trusted_proxies == ("10.0.0.0/8",)


def test_new_connections_are_without_bound_unless_one_is_set(files, tmp_path: Path):
    assert entry_of(read({}, tmp_path / ".env")).per_second is None
    assert entry_of(read({"WEBSOCKET_CONNECTS_PER_SECOND": "500"}, tmp_path / ".env")).per_second == 500


def test_not_more_connections_are_taken_than_there_are_files(files, tmp_path: Path):
    _, most = files
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, most))
    many = entry_of(read({"WEBSOCKET_CONNECTIONS": "1000000"}, tmp_path / ".env"))
    assert many.connections == min(1_000_000, most - SPARE_FILES)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)
    assert entry_of(read({"WEBSOCKET_CONNECTIONS": "100"}, tmp_path / ".env")).connections == 100
