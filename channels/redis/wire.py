"""One connection to one server of Redis: commands out as bytes, messages in, no task and no queue of its own."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import hiredis

from channels.redis.address import Access, Address

MESSAGES_PER_TURN: Final = 512
NOTHING: Final = object()

pack: Final[Callable[[tuple[Any, ...]], bytes]] = hiredis.pack_command
"""Write one command: a tuple of texts, bytes and numbers."""

Words = tuple[str | bytes | int, ...]


class Refusal(Exception):
    """What Redis answered instead of doing it; the first word says why."""

    @property
    def code(self) -> str:
        return str(self).partition(" ")[0]


class Wire(asyncio.Protocol):
    """Hand each message to `take` as it comes, and say once to `ended` that none will come any more."""

    def __init__(self) -> None:
        self.take: Callable[[Any], None] = _ignore
        self.ended: Callable[[], None] = _nothing
        self._loop = asyncio.get_running_loop()
        self.heard_at = self._loop.time()
        self._transport: asyncio.Transport | None = None
        self._reader = hiredis.Reader(notEnoughData=NOTHING, replyError=Refusal)
        self._over = False

    def write(self, data: bytes) -> None:
        """Send packed commands."""
        if self._transport is not None and not self._over:
            self._transport.write(data)

    def begin(self, take: Callable[[Any], None], ended: Callable[[], None]) -> bool:
        """Say who takes messages and hears of the end; false where it has ended already."""
        self.take, self.ended = take, ended
        return not self._over

    def abort(self) -> None:
        """Close at once; `ended` is called soon."""
        if self._transport is not None:
            self._transport.abort()

    async def greet(self, commands: Sequence[Words]) -> list[Any]:
        """Say these first and return what is answered; raises the first Refusal, or ConnectionError."""
        answers: list[Any] = []
        answered = self._loop.create_future()

        def take(message: Any) -> None:
            answers.append(message)
            if len(answers) == len(commands) and not answered.done():
                answered.set_result(None)

        def end() -> None:
            if not answered.done():
                answered.set_exception(ConnectionError("Redis ended the connection"))

        if not commands:
            return answers
        if not self.begin(take, end):
            end()
        self.write(b"".join(pack(command) for command in commands))
        await answered
        for answer in answers:
            if isinstance(answer, Refusal):
                raise answer
        return answers

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Those of uvloop are no asyncio.Transport by name.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._loop.time()
        self._reader.feed(data)
        if not self._take_some() and self._transport is not None:
            self._transport.pause_reading()
            self._loop.call_soon(self._go_on)

    def connection_lost(self, error: Exception | None) -> None:
        self._over = True
        self.ended()

    def _take_some(self) -> bool:
        """Take what is there, or as much as others can wait for; returns whether that was all."""
        try:
            for _ in range(MESSAGES_PER_TURN):
                message = self._reader.gets()
                if message is NOTHING:
                    return True
                self.take(message)
        except hiredis.ProtocolError:
            self.abort()
            return True
        return self._over

    def _go_on(self) -> None:
        if self._over or self._transport is None:
            return
        if self._take_some():
            self._transport.resume_reading()
        else:
            self._loop.call_soon(self._go_on)


async def connect(
    address: Address, access: Access, *, timeout_s: float, greeting: Sequence[Words] = ()
) -> Wire:
    """Return a connection that has been greeted; raises OSError, TimeoutError or Refusal."""
    loop = asyncio.get_running_loop()
    wire = Wire()
    try:
        async with asyncio.timeout(timeout_s):
            if address.port:
                await loop.create_connection(lambda: wire, address.host, address.port, ssl=access.tls)
            else:
                await loop.create_unix_connection(lambda: wire, address.host)
            await wire.greet([*access.greeting(), *greeting])
    except BaseException:
        wire.abort()
        raise
    return wire


def _ignore(message: Any) -> None:
    """Nobody listens yet."""


def _nothing() -> None:
    """Nobody waits for the end yet."""
