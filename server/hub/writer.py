"""Writes what rooms owe to those in step: one write for each connection, however much has come for it in a tick.

1. What a socket does not take at once goes to its transport, which then pauses: the connection is clogged and falls out
   of step.
2. Rooms take turns, a bench at a time, so that a small one does not wait for a large one.
3. A bench of `WORTH_A_RING` and more is written with one call through io_uring where that is to be had.
"""

import logging
import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from channels.broadcast import Broadcast
from channels.cohorts import Portion
from channels.limits import Limits
from channels.protocol.codec import Codec
from channels.room import Room
from channels.stream import Publication
from server.hub.connection import Connection
from server.hub_numbers import HubNumbers
from server.uring import Ring
from server.websocket.frames import frame

logger = logging.getLogger(__name__)

AT_ONCE: Final = 1000
"""Connections that are written to before the loop gets its turn."""
WORTH_A_RING: Final = 64
MOST_JOINED: Final = Limits().joined_bytes


class Writer:
    """Write to connections in step."""

    def __init__(self, numbers: HubNumbers, ring: Ring | None) -> None:
        self._numbers = numbers
        self._ring = ring
        self._due: deque[Room[Connection]] = deque()

    @property
    def busy(self) -> bool:
        """Whether something is still owed."""
        return bool(self._due)

    def queue(self, room: Room[Connection]) -> None:
        """Write to a room when its turn comes."""
        if not room.queued:
            room.queued = True
            self._due.append(room)

    def write(self) -> None:
        """Write for a while."""
        left = AT_ONCE
        while self._due and left > 0:
            room = self._due.popleft()
            portion = room.portion()
            if portion is not None:
                left -= self._write(portion)
            room.queued = room.due
            if room.queued:
                self._due.append(room)

    def _write(self, portion: Portion[Connection]) -> int:
        members, sockets, codec, messages, done = portion
        data = framed(messages, codec)
        failed = self._send(sockets, data)
        for place, sent in failed.items():
            _hand_over(members[place], data[sent:])
        self._numbers.deliveries += len(members) * len(messages)
        for owed in done:
            self.count(owed.broadcast)
        return len(members)

    def _send(self, sockets: Sequence[int], data: bytes) -> Mapping[int, int]:
        if self._ring is not None and self._ring.usable and len(sockets) >= WORTH_A_RING:
            return self._ring.send(sockets, data)
        return send_each(sockets, data)

    def count(self, broadcast: Broadcast) -> None:
        """Count how long a publication took, now that it is written to all."""
        delivery = broadcast.delivery
        if isinstance(delivery, Publication) and delivery.published_at:
            self._numbers.delivered(time.time() - delivery.published_at)


def framed(messages: Sequence[bytes], codec: Codec) -> bytes:
    """Make as few frames of messages as clients take."""
    if len(messages) == 1:
        return frame(messages[0], codec.binary)
    frames, joined, size = [], [messages[0]], len(messages[0])
    for message in messages[1:]:
        size += len(message) + 1
        if size > MOST_JOINED:
            frames.append(frame(codec.join(joined), codec.binary))
            joined, size = [], len(message)
        joined.append(message)
    frames.append(frame(codec.join(joined), codec.binary))
    return b"".join(frames)


def send_each(sockets: Sequence[int], data: bytes) -> Mapping[int, int]:
    """Write to each socket; returns how much went to those that have not got all of it, by their place."""
    failed: dict[int, int] = {}
    write, size = os.write, len(data)
    for place, socket in enumerate(sockets):
        try:
            sent = write(socket, data)
        except OSError:
            failed[place] = 0
        else:
            if sent != size:
                failed[place] = sent
    return failed


def _hand_over(connection: Connection, rest: bytes) -> None:
    """Let the transport find out what is wrong: a slow client, or one that has gone."""
    try:
        if connection.transport is not None:
            connection.transport.write(rest)
    except Exception:  # the edge: one connection's trouble must not keep others from what they are owed
        logger.exception("a transport did not take what was to be written")
