"""The deliveries of all channels this process follows, from whichever servers have them.

1. A channel is subscribed once however many wish it, when the first does and until the last does not.
2. It is subscribed at the server that has it; when it moves, or the connection there breaks, the listener is told
   (`missed`) before it is subscribed anew, so before anything newer is delivered.
3. What comes from a server that has the channel no longer is passed over, so nothing is delivered twice.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

import msgspec

from channels.broker import BrokerUnavailable, Listener
from channels.redis.address import Address
from channels.redis.envelope import unpack_frame
from channels.redis.servers import Servers
from channels.redis.subscriber import Subscriber
from channels.redis.wire import Refusal, Wire, connect

logger = logging.getLogger(__name__)

LEARNING_PAUSE_S: Final = 0.2
MOVING_PAUSE_S: Final = 0.02


class RedisFollower:
    """Keep Redis' subscriptions equal to what this process wishes."""

    def __init__(self, servers: Servers, *, patience_s: float) -> None:
        self._servers = servers
        self._patience_s = patience_s
        self._listener: Listener | None = None
        self._homes: dict[bytes, Subscriber | None] = {}
        """Where each wished channel, by Redis' name, is subscribed."""
        self._confirmations: dict[bytes, asyncio.Future[None]] = {}
        self._subscribers: dict[Address, tuple[Subscriber, asyncio.Task[None]]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._down_since: float | None = None
        self._moving: asyncio.TimerHandle | None = None

    def attach(self, listener: Listener) -> None:
        """Say who takes deliveries."""
        self._listener = listener

    @property
    def subscribed(self) -> int:
        """How many channels Redis has confirmed."""
        return sum(subscriber.present for subscriber, _ in self._subscribers.values())

    # Wishes of this process

    async def follow(self, channel: str) -> None:
        """Return once Redis has confirmed; raises BrokerUnavailable when it does not in time."""
        name = self._servers.names.delivery(channel)
        if name not in self._homes:
            self._settle(name)
        home = self._homes[name]
        if home is not None and home.has(name):
            return
        if self._away_s(home) > self._patience_s:
            raise BrokerUnavailable("Redis has been away for too long")
        confirmed = self._confirmations.get(name)
        if confirmed is None:
            confirmed = self._confirmations[name] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._patience_s):
                await asyncio.shield(confirmed)
        except TimeoutError as error:
            raise BrokerUnavailable(f"Redis did not confirm channel {channel!r}") from error

    def unfollow(self, channel: str) -> None:
        """Wish the channel no longer."""
        name = self._servers.names.delivery(channel)
        home = self._homes.pop(name, None)
        self._end_waiting(name)
        if home is not None:
            home.touch(name)

    def _end_waiting(self, name: bytes) -> None:
        waiting = self._confirmations.pop(name, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _away_s(self, home: Subscriber | None) -> float:
        down_since = self._down_since if home is None else home.down_since
        return 0.0 if down_since is None else asyncio.get_running_loop().time() - down_since

    # Servers

    async def run(self) -> None:
        """Keep deliveries coming until cancelled."""
        await self._know_servers()
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._servers.moved = self._move_soon
                self._move()
                await asyncio.Event().wait()
        finally:
            self._servers.moved = lambda: None
            self._tasks = None
            self._subscribers.clear()
            self._homes = dict.fromkeys(self._homes)
            if self._moving is not None:
                self._moving.cancel()

    async def _know_servers(self) -> None:
        self._down_since = asyncio.get_running_loop().time()
        while True:
            try:
                return await self._servers.known()
            except BrokerUnavailable as error:
                logger.warning("%s", error)
                await asyncio.sleep(LEARNING_PAUSE_S)

    def _move_soon(self) -> None:
        if self._moving is None:
            # A slot moves with many channels, and a cluster many slots at a time.
            self._moving = asyncio.get_running_loop().call_later(MOVING_PAUSE_S, self._move)

    def _move(self) -> None:
        """Have every channel subscribed at the server that has it now, and there only."""
        self._moving = None
        moved = []
        for name, home in self._homes.items():
            address = self._servers.home(name)
            if home is None or address != home.address:
                moved.append(name)
        self._tell_missed(name for name in moved if self._homes[name] is not None)
        for name in moved:
            self._settle(name)
        self._end_subscribers()

    def _settle(self, name: bytes) -> None:
        before = self._homes.get(name)
        address = self._servers.home(name) if self._tasks is not None else None
        home = self._homes[name] = None if address is None else self._subscriber(address)
        for subscriber in (before, home):
            if subscriber is not None:
                subscriber.touch(name)

    def _subscriber(self, address: Address) -> Subscriber:
        assert self._tasks is not None
        if address not in self._subscribers:
            slot = self._servers.names.slot if self._servers.clustered else None
            subscriber = Subscriber(address, self._connect, self, slot=slot)
            self._subscribers[address] = (subscriber, self._tasks.create_task(subscriber.run()))
        return self._subscribers[address][0]

    async def _connect(self, address: Address) -> Wire:
        return await connect(address, self._servers.access, timeout_s=self._patience_s)

    def _end_subscribers(self) -> None:
        for address in self._subscribers.keys() - set(self._servers.masters()):
            _, task = self._subscribers.pop(address)
            task.cancel()

    # What subscribers ask and tell

    def wished(self, subscriber: Subscriber) -> list[bytes]:
        """Everything whose home it is."""
        return [name for name, home in self._homes.items() if home is subscriber]

    def wishes(self, subscriber: Subscriber, name: bytes) -> bool:
        """Whether it is the home of this."""
        return self._homes.get(name) is subscriber

    def delivered(self, subscriber: Subscriber, name: bytes, frame: bytes) -> None:
        """Hand a delivery over."""
        if self._listener is None or self._homes.get(name) is not subscriber:
            return
        try:
            delivery = unpack_frame(frame)
        except (ValueError, msgspec.MsgspecError):
            logger.exception("channel %r carries what no hub has written", name)
        else:
            self._listener.deliver(self._servers.names.channel(name), delivery)

    def confirmed(self, name: bytes) -> None:
        """Let go who waits for it."""
        self._end_waiting(name)

    def taken_away(self, subscriber: Subscriber, name: bytes) -> None:
        """Tell what may be missed, and look for where it is now."""
        self._tell_missed([name])
        self._servers.doubt()

    def interrupted(self, subscriber: Subscriber) -> None:
        """Tell what may be missed."""
        self._tell_missed(self.wished(subscriber))

    def moved(self, subscriber: Subscriber, refusal: Refusal) -> None:
        """Believe it, and subscribe there."""
        self._servers.move(refusal)
        self._move_soon()

    def broke(self) -> None:
        """Look whether its channels are elsewhere now."""
        self._servers.doubt()

    def _tell_missed(self, names: Iterable[bytes]) -> None:
        channels = [self._servers.names.channel(name) for name in names]
        if channels and self._listener is not None:
            self._listener.missed(channels)
