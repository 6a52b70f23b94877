"""A bound socket for the server."""

import socket

from gatehouse.settings import BadSetting

BACKLOG = 16_384
"""Clients that connect at once and wait to be accepted; the kernel cuts it to net.core.somaxconn, often 4096."""


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; it closes at the end of a `with`.

    Raises:
        BadSetting: The port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        raise BadSetting(
            f"cannot listen on {host}:{port} ({problem.strerror}); HOST and PORT choose"
        ) from problem
    listener.listen(BACKLOG)
    return listener
