"""Addresses of embedded services: free TCP ports and short socket directories."""

import contextlib
import hashlib
import os
import random
import socket
import stat
import tempfile
from pathlib import Path

LOCALHOST = "127.0.0.1"
LOWEST_PORT = 10_240
SOCKET_PATH_LIMIT = 100  # sun_path has 108 bytes on Linux, 104 on macOS


def is_free(port: int, host: str = LOCALHOST) -> bool:
    """Tell whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(wanted: int = 0, host: str = LOCALHOST) -> int:
    """Return the wanted port when it is free, else a free one below the ephemeral range.

    A port of the ephemeral range might go to somebody's outgoing connection while its server is down, or a client
    that keeps trying might even connect to itself.
    """
    if wanted and is_free(wanted, host):
        return wanted
    choice = random.SystemRandom()
    for _ in range(200):
        port = choice.randrange(LOWEST_PORT, _lowest_ephemeral_port())
        if is_free(port, host):
            return port
    raise OSError(f"no free port found on {host}")


def socket_directory(wanted: Path, file_name: str, owner: int | None = None) -> Path:
    """Return a private directory for a Unix socket: the wanted one, or a short one where its path is too long."""
    if len(os.fsencode(wanted.absolute() / file_name)) <= SOCKET_PATH_LIMIT:
        directory = wanted.absolute()
    else:
        digest = hashlib.sha256(os.fsencode(wanted.absolute())).hexdigest()[:12]
        directory = _short_root() / f"gatehouse-{digest}"
    _make_private(directory, owner)
    return directory


def _make_private(directory: Path, owner: int | None) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), owner}:
        raise PermissionError(f"{directory} belongs to someone else; remove it or set TMPDIR")
    directory.chmod(0o700)
    if owner is not None and owner != found.st_uid:
        os.chown(directory, owner, -1)


def _short_root() -> Path:
    root = Path(tempfile.gettempdir())
    return root if len(os.fsencode(root)) <= 40 else Path("/tmp")


def _lowest_ephemeral_port() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        return 32_768
