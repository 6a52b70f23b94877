"""One connection to one server that takes the deliveries of the channels this process follows there.

1. Per channel one command is under way at most; what is wished meanwhile is done after its confirmation.
2. What is wished within one tick is asked in few commands, written at once.
3. The connection is made again with back-off; who wishes is told before the channels are subscribed again.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum, auto
from itertools import groupby
from typing import Any, Final, Protocol

from msgspec import Struct

from channels.redis.address import Address
from channels.redis.wire import Refusal, Wire, pack

logger = logging.getLogger(__name__)

PING_S: Final = 5.0
SILENCE_S: Final = 15.0
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 2.0
ASKED_AGAIN_S: Final = 0.2
CHANNELS_PER_COMMAND: Final = 500
PING: Final = pack(("PING",))


class Words(Struct, frozen=True):
    """What a server is told, and says: a cluster hands publications out by slot, with commands of its own."""

    subscribe: bytes
    unsubscribe: bytes
    message: bytes


PLAIN: Final = Words(b"subscribe", b"unsubscribe", b"message")
SHARDED: Final = Words(b"ssubscribe", b"sunsubscribe", b"smessage")


class _State(Enum):
    ASKED = auto()
    PRESENT = auto()
    DROPPING = auto()


class Wisher(Protocol):
    """Who knows what is wished, and takes what comes; every name is that of Redis."""

    def wished(self, subscriber: "Subscriber") -> list[bytes]:
        """Everything that is wished of this server."""

    def wishes(self, subscriber: "Subscriber", name: bytes) -> bool:
        """Whether this is wished of it."""

    def delivered(self, subscriber: "Subscriber", name: bytes, frame: bytes) -> None:
        """Take a message."""

    def confirmed(self, name: bytes) -> None:
        """Messages come from now on."""

    def taken_away(self, subscriber: "Subscriber", name: bytes) -> None:
        """Messages do not come any more, though nobody wished that."""

    def interrupted(self, subscriber: "Subscriber") -> None:
        """Messages may have been lost until now; subscribing begins anew."""

    def moved(self, subscriber: "Subscriber", refusal: Refusal) -> None:
        """The server says that a slot is elsewhere."""

    def broke(self) -> None:
        """The connection is lost."""


class Subscriber:
    """Keep the subscriptions at one server equal to what is wished of it."""

    def __init__(
        self,
        address: Address,
        connect: Callable[[Address], Awaitable[Wire]],
        wisher: Wisher,
        *,
        slot: Callable[[bytes], int] | None = None,
    ) -> None:
        self.address = address
        self._connect = connect
        self._wisher = wisher
        self._slot = slot
        self._words = PLAIN if slot is None else SHARDED
        self._loop = asyncio.get_running_loop()
        self.down_since: float | None = self._loop.time()
        self._wire: Wire | None = None
        self._states: dict[bytes, _State] = {}
        self._touched: dict[bytes, None] = {}
        self._reconciling: asyncio.Handle | None = None

    @property
    def present(self) -> int:
        """How many subscriptions the server has confirmed."""
        return sum(state is _State.PRESENT for state in self._states.values())

    def has(self, name: bytes) -> bool:
        """Whether the server has confirmed this one, and was not told to drop it since."""
        return self._states.get(name) is _State.PRESENT

    def touch(self, name: bytes) -> None:
        """Learn that this is wished, or is no longer."""
        self._touched[name] = None
        if self._reconciling is None and self._wire is not None:
            self._reconciling = self._loop.call_soon(self._reconcile)

    # Connection

    async def run(self) -> None:
        """Stay connected until cancelled."""
        pause_s, fresh = FIRST_PAUSE_S, True
        while True:
            began = self._loop.time()
            try:
                wire = await self._connect(self.address)
                await self._serve(wire, fresh)
            except (OSError, TimeoutError, Refusal) as lost:
                logger.warning("lost the deliveries of Redis at %s: %s", self.address, lost)
            fresh = fresh and self.down_since is not None
            self.down_since = self.down_since or self._loop.time()
            self._wisher.broke()
            if self._loop.time() - began > LONGEST_PAUSE_S:
                pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _serve(self, wire: Wire, fresh: bool) -> None:
        ended = asyncio.Event()
        try:
            if wire.begin(self._take, ended.set):
                self._start(wire, fresh)
                await self._keep_alive(wire, ended)
            raise ConnectionError("the connection ended")
        finally:
            self._wire = None
            wire.abort()
            self._states.clear()

    def _start(self, wire: Wire, fresh: bool) -> None:
        if not fresh:
            self._wisher.interrupted(self)
        self._wire = wire
        self.down_since = None
        self._touched = dict.fromkeys(self._wisher.wished(self))
        self._reconcile()

    async def _keep_alive(self, wire: Wire, ended: asyncio.Event) -> None:
        while not ended.is_set():
            # Not `wait_for`, which on Python 3.11 may swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PING_S):
                    await ended.wait()
            if self._loop.time() - wire.heard_at > SILENCE_S:
                raise TimeoutError("it has been silent for too long")
            wire.write(PING)

    # Subscriptions

    def _reconcile(self) -> None:
        self._reconciling = None
        if self._wire is None:
            return
        subscribe, unsubscribe = [], []
        touched, self._touched = self._touched, {}
        for name in touched:
            state, wished = self._states.get(name), self._wisher.wishes(self, name)
            if wished and state is None:
                self._states[name] = _State.ASKED
                subscribe.append(name)
            elif not wished and state is _State.PRESENT:
                self._states[name] = _State.DROPPING
                unsubscribe.append(name)
        commands = [(self._words.subscribe, *names) for names in self._parts(subscribe)]
        commands += [(self._words.unsubscribe, *names) for names in self._parts(unsubscribe)]
        self._wire.write(b"".join([pack(command) for command in commands]))

    def _parts(self, names: list[bytes]) -> Iterable[list[bytes]]:
        """Cut into commands; one may name channels of one slot only."""
        slots = [names] if self._slot is None else _by_slot(names, self._slot)
        for part in slots:
            for start in range(0, len(part), CHANNELS_PER_COMMAND):
                yield part[start : start + CHANNELS_PER_COMMAND]

    # Messages

    def _take(self, message: Any) -> None:
        if type(message) is list:
            kind = message[0]
            if kind == self._words.message:
                self._wisher.delivered(self, message[1], message[2])
            elif kind == self._words.subscribe:
                self._confirm(message[1])
            elif kind == self._words.unsubscribe:
                self._drop(message[1])
        elif isinstance(message, Refusal):
            self._refused(message)

    def _confirm(self, name: bytes) -> None:
        self._states[name] = _State.PRESENT
        self._wisher.confirmed(name)
        self.touch(name)

    def _drop(self, name: bytes) -> None:
        wished = self._states.pop(name, None) is _State.DROPPING
        if not wished and self._wisher.wishes(self, name):
            self._wisher.taken_away(self, name)
        self.touch(name)

    def _refused(self, refusal: Refusal) -> None:
        if refusal.code == "MOVED" and self._slot is not None:
            slot = int(str(refusal).split()[1])
            asked = [name for name, state in self._states.items() if state is _State.ASKED]
            for name in asked:
                if self._slot(name) == slot:
                    del self._states[name]
                    # In case it comes back before anybody has noticed.
                    self._loop.call_later(ASKED_AGAIN_S, self.touch, name)
            self._wisher.moved(self, refusal)
        elif self._wire is not None:
            logger.warning("Redis at %s refuses its deliveries: %s", self.address, refusal)
            self._wire.abort()


def _by_slot(names: list[bytes], slot: Callable[[bytes], int]) -> list[list[bytes]]:
    return [list(group) for _, group in groupby(sorted(names, key=slot), key=slot)]
