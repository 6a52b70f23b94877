"""What a hub knows of a connection."""

import asyncio
from typing import Protocol

from channels.room import Follower


class Connection(Follower, Protocol):
    """A client's WebSocket and the session behind it.

    While it is in step with a channel it is written to past itself, straight to its socket or its transport. Hence

    1. its transport pauses as soon as the kernel does not take all (a high-water mark of 0), so that nothing waits in
       there unless the connection is clogged;
    2. it tells the hub (`clog`) when it is paused, and before it writes a close frame;
    3. it departs in `connection_lost`: right after, its socket is closed and the number may be another's.
    """

    transport: asyncio.Transport | None
    """None once the connection is lost."""

    def perform(self) -> None:
        """Do what the session wants done after it was told something; never waits."""


NO_SOCKET = -1


def descriptor(connection: Connection) -> int:
    """Return the number of the socket that frames may be written to, `NO_SOCKET` where only the transport will do."""
    transport = connection.transport
    if transport is None or transport.get_extra_info("sslcontext") is not None:
        return NO_SOCKET
    socket = transport.get_extra_info("socket")
    return NO_SOCKET if socket is None else int(socket.fileno())
