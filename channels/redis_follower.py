"""One Redis connection that takes the deliveries of all channels this process follows.

1. A channel is subscribed once however many wish it, when the first does and until the last does not.
2. Per channel one command is under way at most; what is wished meanwhile is done after its confirmation.
3. After the connection broke it is made again with back-off; the listener is told (`missed`) before the channels are
   subscribed again, so before anything newer is delivered.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Final

import msgspec
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from channels.broker import BrokerUnavailable, Listener
from channels.envelope import unpack_frame

logger = logging.getLogger(__name__)

PING_S: Final = 5.0
SILENCE_S: Final = 15.0
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 2.0
CHANNELS_PER_COMMAND: Final = 500
DELIVERIES_PER_TURN: Final = 64
SWALLOWED_S: Final = 0.05

Connection = Any  # redis-py's connections have no common public type


class _State(Enum):
    ASKED = auto()
    PRESENT = auto()
    DROPPING = auto()


class RedisFollower:
    """Keep Redis' subscriptions equal to what this process wishes."""

    def __init__(self, pool: ConnectionPool, prefix: bytes, *, patience_s: float = 4.0) -> None:
        self._pool = pool
        self._prefix = prefix
        self._patience_s = patience_s
        self._listener: Listener | None = None
        self._wanted: dict[str, asyncio.Event] = {}
        self._states: dict[str, _State] = {}
        self._touched: set[str] = set()
        self._wake = asyncio.Event()
        self._down_since: float | None = time.monotonic()

    def attach(self, listener: Listener) -> None:
        """Say who takes deliveries."""
        self._listener = listener

    @property
    def subscribed(self) -> int:
        """How many channels Redis has confirmed."""
        return sum(state is _State.PRESENT for state in self._states.values())

    # Wishes

    async def follow(self, channel: str) -> None:
        """Return once Redis has confirmed; raises BrokerUnavailable when it does not in time."""
        present = self._wanted.setdefault(channel, asyncio.Event())
        self._touch(channel)
        if self._states.get(channel) is _State.PRESENT:
            # It may have been left and wished again before Redis was told.
            present.set()
        if present.is_set():
            return
        if self._down_since is not None and time.monotonic() - self._down_since > self._patience_s:
            raise BrokerUnavailable("Redis has been away for too long")
        try:
            async with asyncio.timeout(self._patience_s):
                await present.wait()
        except TimeoutError as error:
            raise BrokerUnavailable(f"Redis did not confirm channel {channel!r}") from error

    def unfollow(self, channel: str) -> None:
        """Wish the channel no longer."""
        if self._wanted.pop(channel, None) is not None:
            self._touch(channel)

    def _touch(self, channel: str) -> None:
        self._touched.add(channel)
        self._wake.set()

    # Connection

    async def run(self) -> None:
        """Stay connected until cancelled."""
        pause_s, fresh = FIRST_PAUSE_S, True
        while True:
            connection: Connection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py's own
            try:
                await connection.connect()
                _raise_if_cancelled()
                self._restart(fresh)
                pause_s, fresh = FIRST_PAUSE_S, False
                await self._serve(connection)
            except (RedisError, OSError, TimeoutError) as lost:
                logger.warning("lost Redis' deliveries: %s", lost)
            finally:
                await connection.disconnect(nowait=True)
            self._down_since = self._down_since or time.monotonic()
            self._states.clear()
            for present in self._wanted.values():
                present.clear()
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _restart(self, fresh: bool) -> None:
        self._down_since = None
        self._touched = set(self._wanted)
        self._wake.set()
        if not fresh and self._listener is not None:
            self._listener.missed()

    async def _serve(self, connection: Connection) -> None:
        # A writer that fails has closed the connection, so reading ends too.
        writing = asyncio.create_task(self._write(connection))
        try:
            await self._read(connection)
        finally:
            while not writing.done():
                writing.cancel()
                await asyncio.wait([writing], timeout=SWALLOWED_S)

    async def _write(self, connection: Connection) -> None:
        while True:
            try:
                async with asyncio.timeout(PING_S):
                    await self._wake.wait()
            except TimeoutError:
                await connection.send_command("PING", check_health=False)
                continue
            self._wake.clear()
            subscribe, unsubscribe = self._reconcile()
            await self._send(connection, "SUBSCRIBE", subscribe)
            await self._send(connection, "UNSUBSCRIBE", unsubscribe)

    def _reconcile(self) -> tuple[list[str], list[str]]:
        subscribe, unsubscribe = [], []
        touched, self._touched = self._touched, set()
        for channel in touched:
            state, wanted = self._states.get(channel), channel in self._wanted
            if wanted and state is None:
                self._states[channel] = _State.ASKED
                subscribe.append(channel)
            elif not wanted and state is _State.PRESENT:
                self._states[channel] = _State.DROPPING
                unsubscribe.append(channel)
        return subscribe, unsubscribe

    async def _send(self, connection: Connection, command: str, channels: list[str]) -> None:
        for start in range(0, len(channels), CHANNELS_PER_COMMAND):
            part = channels[start : start + CHANNELS_PER_COMMAND]
            names = [self._prefix + channel.encode() for channel in part]
            await connection.send_command(command, *names, check_health=False)

    # Deliveries

    async def _read(self, connection: Connection) -> None:
        takers: dict[bytes, Callable[[str, bytes], None]] = {
            b"message": self._deliver,
            b"subscribe": self._confirm,
            b"unsubscribe": self._drop,
        }
        taken = 0
        while True:
            message = await connection.read_response(disable_decoding=True, timeout=SILENCE_S)
            if message is None:
                raise TimeoutError("Redis has been silent for too long")
            # Anything else is the answer to a ping.
            if isinstance(message, list) and (taker := takers.get(message[0])):
                taker(message[1][len(self._prefix) :].decode(), message[2])
            taken += 1
            if taken % DELIVERIES_PER_TURN == 0:
                # Reading from a full buffer never waits by itself; others must have their turn.
                await asyncio.sleep(0)

    def _deliver(self, channel: str, frame: bytes) -> None:
        if self._listener is None or channel not in self._wanted:
            return
        try:
            delivery = unpack_frame(frame)
        except (ValueError, msgspec.MsgspecError):
            logger.exception("channel %r carries what no hub has written", channel)
        else:
            self._listener.deliver(channel, delivery)

    def _confirm(self, channel: str, _count: bytes) -> None:
        self._states[channel] = _State.PRESENT
        if present := self._wanted.get(channel):
            present.set()
        self._touch(channel)

    def _drop(self, channel: str, _count: bytes) -> None:
        self._states.pop(channel, None)
        self._touch(channel)


def _raise_if_cancelled() -> None:
    """Be cancelled after all: redis-py waits with `asyncio.wait_for`, which on Python 3.11 may swallow it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
