"""Free ports and short socket directories."""

import os
import socket
import tempfile
from pathlib import Path

import pytest

from gatehouse.embedded.address import free_port, is_free, socket_directory


def test_a_wanted_port_is_given_when_free_and_replaced_when_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        other = free_port(port)

        assert other != port
        assert free_port(other) == other
        assert not is_free(port)


def test_a_short_path_is_used_as_it_is_and_is_private():
    with tempfile.TemporaryDirectory() as folder:
        directory = socket_directory(Path(folder) / "run", "redis.sock")

        assert directory == Path(folder) / "run"
        assert directory.stat().st_mode & 0o777 == 0o700


def test_a_long_path_gives_the_same_short_one_each_time(tmp_path: Path):
    long = tmp_path / ("x" * 90)

    directory = socket_directory(long, "redis.sock")

    assert directory == socket_directory(long, "redis.sock")
    assert directory != socket_directory(tmp_path / ("y" * 90), "redis.sock")
    assert len(os.fsencode(directory)) < 70
    directory.rmdir()
    socket_directory(tmp_path / ("y" * 90), "redis.sock").rmdir()


def test_a_directory_that_someone_else_has_prepared_is_refused(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "mine")

    with pytest.raises(PermissionError, match="belongs to someone else"):
        socket_directory(tmp_path / "run", "s" if len(str(tmp_path)) < 90 else "")
