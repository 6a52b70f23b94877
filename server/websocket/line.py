"""One WebSocket on a transport: frames in and out, room to write, the end; what messages mean is for who derives.

It is detached: no task, no queue and no timer belong to it while nothing happens.

1. Writing never waits. What the transport has no room for is queued, and the line is *clogged* until all of it is
   written; one that takes nothing for `write_s` is cut off with 3009.
2. `end` closes once: what waits, then the close frame, then the peer's, or the end of `close_s`.
3. A peer that breaks the rules of frames is told by a close frame and not listened to any more.
"""

import asyncio
import contextlib
import fcntl
import termios
from math import inf
from typing import Final

from channels.limits import Limits
from channels.protocol.codes import DisconnectCode
from server.websocket.frames import (
    Opcode,
    Parser,
    Violation,
    close_code,
    close_frame,
    control_frame,
    small_message,
)
from server.websocket.queue import Queue
from server.websocket.wheel import Slot, Wheel

CLOSE_S: Final = 5.0
"""How long the peer may take to answer a close frame, and to take what was sent before it."""


class Line(asyncio.Protocol):
    """A WebSocket that was accepted."""

    __slots__ = (
        "_deaf", "_due", "_goodbye", "_parser", "_paused", "_queue", "_unwritten", "clogged", "limits", "reading",
        "slot", "transport", "wheel",
    )  # fmt: skip

    def __init__(self, transport: asyncio.Transport, wheel: Wheel, limits: Limits) -> None:
        self.transport: asyncio.Transport | None = transport
        """None once the connection is lost."""
        self.wheel = wheel
        self.limits = limits
        self.slot: Slot | None = None
        self.clogged = False
        self.reading = True
        """Whether messages are wanted now."""
        self._paused = False
        """Whether the transport has no room."""
        self._queue: Queue | None = None
        self._parser: Parser | None = None
        """While something is half received."""
        self._goodbye: bytes | None = None
        """The close frame, once the end has begun; empty when it was written."""
        self._deaf = False
        """Whether the peer has broken the rules, so that nothing more can be understood."""
        self._due = inf
        """When to look whether a peer that has something to do has done it."""
        self._unwritten = 0

    # For who derives

    def take(self, message: bytes, binary: bool) -> None:
        """Take a message of the peer."""
        raise NotImplementedError

    def take_pong(self) -> None:
        """Take a pong of the peer."""

    def clog(self) -> None:
        """Learn that what is sent is queued from now on."""

    def unclog(self) -> None:
        """Learn that it is written at once again."""

    def lost(self) -> None:
        """Learn that the connection is gone."""

    def joined(self, messages: list[bytes]) -> bytes:
        """Make one frame of messages."""
        raise NotImplementedError

    def fail(self, code: int, reason: str) -> None:
        """End for something that the peer or the line has done."""
        self.end(code, reason)

    @property
    def moment(self) -> float:
        """When `tick` is to be called, `inf` for never."""
        return self._due

    # In

    def data_received(self, data: bytes) -> None:
        """Take bytes of the transport."""
        if self._parser is None and self.reading and self._goodbye is None:
            message = small_message(data, self.limits.frame_bytes)
            if message is not None:
                self.take(message, False)
                return
        if self._deaf:
            return
        if self._parser is None:
            self._parser = Parser(self.limits.frame_bytes)
        self._parser.feed(data)
        self._read()

    def eof_received(self) -> None:
        """Let the transport close when all is written, or is not taken."""
        self._goodbye = b""
        self._wait(CLOSE_S)

    def pause_reading(self) -> None:
        """Want no messages for now."""
        if self.reading and self.transport is not None:
            self.reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Want messages again, those first that have come already."""
        if not self.reading and self.transport is not None:
            self.reading = True
            self._read()
            if self.reading and self.transport is not None:
                self.transport.resume_reading()

    def _read(self) -> None:
        parser = self._parser
        if parser is None:
            return
        try:
            for opcode, payload in parser.messages():
                self._sort(opcode, payload)
                if not self.reading or self.transport is None or self.transport.is_closing():
                    return
        except Violation as violation:
            self._fail(violation)
            return
        if parser.idle:
            self._parser = None

    def _sort(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.CLOSE:
            self._answer_close(close_code(payload))
        elif self._goodbye is not None:
            return  # the peer has not seen our close frame yet
        elif opcode is Opcode.PING:
            if not self.clogged and self.transport is not None:
                self.transport.write(control_frame(Opcode.PONG, payload))
        elif opcode is Opcode.PONG:
            self.take_pong()
        else:
            self.take(payload, opcode is Opcode.BINARY)

    def _answer_close(self, code: int) -> None:
        transport = self.transport
        if transport is None:
            return
        if self._goodbye is None:
            self._goodbye = close_frame(code)
        self._write_goodbye()
        transport.close()
        self._wait(CLOSE_S)

    def _fail(self, violation: Violation) -> None:
        """Say what is wrong and read no further; the connection is kept a moment, so that the peer can read it.

        Closing at once would have the kernel answer what the peer is still sending with a reset, and the peer would
        find that instead of the close frame.
        """
        self._deaf, self._parser = True, None
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        self.fail(violation.code, violation.reason)
        self.reading = True
        transport.resume_reading()
        if not self.clogged and transport.can_write_eof():
            transport.write_eof()

    # Out

    def write(self, frame: bytes) -> None:
        """Write whole frames straight to the transport."""
        if self._goodbye is None and self.transport is not None:
            self.transport.write(frame)

    def enqueue(self, message: bytes, channel: str | None = None, keeps: int = 0) -> tuple[bool, int]:
        """Keep a message until the line is no longer clogged.

        Returns whether there was room for it, and how many publications of the channel gave way.
        """
        if self._goodbye is not None:
            return True, 0
        if self._queue is None:
            self._queue = Queue(self.limits)
        before = self._queue.dropped
        return self._queue.add(message, channel, keeps), self._queue.dropped - before

    def pause_writing(self) -> None:
        """Learn that the transport has no more room."""
        self._paused = True
        if not self.clogged:
            self.clogged = True
            self.clog()
        self._unwritten = self._pending()
        if self._goodbye is None:
            self._wait(self.limits.write_s)

    def resume_writing(self) -> None:
        """Write what waits, as far as there is room."""
        self._paused = False
        if self._queue is not None and self.transport is not None:
            for portion in self._queue.portions():
                self.transport.write(self.joined(portion))
                if self._paused:
                    return
            self._queue = None
        self.clogged = False
        if self._goodbye is not None:
            self._write_goodbye()
        else:
            self._due = inf
            self.unclog()

    def _pending(self) -> int:
        """Return how many bytes the peer has not taken yet: those in the transport, and those in its socket."""
        if self.transport is None:
            return 0
        pending = self.transport.get_write_buffer_size()
        with contextlib.suppress(OSError, AttributeError):
            descriptor = self.transport.get_extra_info("socket").fileno()
            pending += int.from_bytes(fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)), "little")
        return pending

    # The end

    def end(self, code: int, reason: str) -> None:
        """Close, once everything before was sent."""
        if self._goodbye is not None or self.transport is None:
            return
        self._goodbye = close_frame(code, reason)
        self._wait(CLOSE_S)
        if not self.clogged:
            self._write_goodbye()

    def forget_queued(self) -> int:
        """Let go of what waits, since it comes too late; returns how many messages that were."""
        queue, self._queue = self._queue, None
        return len(queue) if queue is not None else 0

    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that the connection is gone."""
        self.transport = None
        self.wheel.remove(self)
        self._queue = self._parser = None
        self._due = inf
        self.lost()

    def _write_goodbye(self) -> None:
        if self._goodbye and self.transport is not None:
            frame, self._goodbye = self._goodbye, b""
            self.transport.write(frame)

    # Time

    def tick(self) -> None:
        """Look whether the peer still takes part."""
        if self.wheel.clock() < self._due or self.transport is None:
            return
        self._due = inf
        if self._goodbye is not None:
            self.transport.abort()
            return
        pending = self._pending()
        if pending < self._unwritten:
            self._unwritten = pending
            self._wait(self.limits.write_s)
            return
        self.forget_queued()
        self.fail(DisconnectCode.WRITE_ERROR, DisconnectCode.WRITE_ERROR.message)

    def _wait(self, seconds: float) -> None:
        self._due = self.wheel.clock() + seconds
        self.wheel.place(self)
