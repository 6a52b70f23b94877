"""The hub of one process: which connections follow which channel, and each delivery handed to all of them.

1. A channel is followed at the broker from its first local follower until its last; the local list changes before
   anything is awaited.
2. Deliveries are handed out in a turn of their own, all that came since the last one together: nothing that a
   connection does with a delivery can come between others and theirs.
3. When the broker may have lost deliveries, a channel's deliveries are held until its history was read: what was
   missed is delivered late, and where that is not possible its followers are told.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from typing import Final

from channels.broadcast import Broadcast
from channels.broker import Broker
from channels.host import Identity, Opening
from channels.protocol.codes import DisconnectCode, UnsubscribeCode
from channels.room import Room
from channels.session import Session
from channels.stream import Delivery, Position
from server.hub.connection import Connection, descriptor
from server.hub.presence import PresenceKeeper
from server.hub.registry import Registry
from server.hub.resync import Resync
from server.hub.writer import Writer
from server.hub_numbers import HubNumbers
from server.uring import Ring

__all__ = ["Connection", "Hub"]

PACE_S: Final = 0.05
CLOSING: Final = 0.6
"""The part of a shutdown's time over which connections are closed; in the rest they may come to their end."""


class Hub:
    """Hand deliveries of the broker to the connections of this process."""

    def __init__(self, broker: Broker, *, ring: Ring | None = None) -> None:
        """``ring`` writes to many sockets at once; without it each is written to by itself."""
        self.broker = broker
        self.numbers = HubNumbers()
        """What is counted here; connections add to it too."""
        self.draining = False
        self._registry = Registry()
        self._rooms: dict[str, Room[Connection]] = {}
        self._arrived: list[tuple[str, Delivery]] = []
        self._turn_is_near = self._sorting = False
        self._writer = Writer(self.numbers, ring)
        self._resync = Resync(broker, self._rooms, self.numbers, self._hand_out)
        self._presence = PresenceKeeper(broker, self._registry)
        broker.attach(self)

    # Connections

    @property
    def connections(self) -> int:
        """How many connections are open here."""
        return len(self._registry)

    @property
    def channels(self) -> int:
        """How many channels are followed here."""
        return len(self._rooms)

    def followers(self) -> dict[str, int]:
        """How many connections follow each channel here."""
        return {channel: len(room) for channel, room in self._rooms.items()}

    def identities(self) -> list[Identity]:
        """Who is connected here, once per connection."""
        return [i for connection in self._registry if (i := connection.session.identity) is not None]

    def enter(self, connection: Connection) -> None:
        """Take a connection in."""
        self._registry.add(connection)

    def identify(self, connection: Connection, identity: Identity) -> None:
        """Learn whose connection it is."""
        self._registry.identify(connection, identity)

    def depart(self, connection: Connection) -> None:
        """Forget a connection that has ended, before its socket is closed; nothing is written to it any more."""
        for channel in connection.session.subscriptions:
            self.unfollow(connection, channel)
        self._registry.remove(connection)

    async def follow(self, connection: Connection, channel: str) -> None:
        """Hand the channel's deliveries to the connection; raises BrokerUnavailable."""
        room = self._rooms.get(channel)
        if room is None:
            room = self._rooms[channel] = Room(channel)
            self.numbers.channels += 1
        if room.enter(connection):
            self.numbers.subscriptions += 1
        await self.broker.follow(channel)

    def unfollow(self, connection: Connection, channel: str) -> None:
        """Hand them over no longer, not even what is still owed."""
        room = self._rooms.get(channel)
        if room is None or not room.leave(connection):
            return
        self.numbers.subscriptions -= 1
        if room.is_empty:
            del self._rooms[channel]
            self.numbers.channels -= 1
            self.broker.unfollow(channel)

    def top(self, channel: str) -> Position | None:
        """Return the position that the next delivery comes right after; None where only the broker knows."""
        room = self._rooms.get(channel)
        return room.position if room is not None and room.held is None else None

    # In step and out of it

    def settle(self, connection: Connection, channel: str) -> None:
        """Learn that a subscription of the connection is live or has moved; all before must have been written."""
        room = self._rooms.get(channel)
        if room is not None:
            room.settle(connection, descriptor(connection))

    def clog(self, connection: Connection) -> None:
        """Write to the connection no more by itself: from now on it is handed each delivery.

        For a client that does not take what it is written, and before a close frame, after which nothing may come.
        What it is owed by now is handed to it before this returns.
        """
        for channel in list(connection.session.subscriptions):
            room = self._rooms.get(channel)
            if room is not None:
                room.fall_out(connection)

    def unclog(self, connection: Connection) -> None:
        """Learn that everything was written, and that the connection takes more."""
        for channel in list(connection.session.subscriptions):
            self.settle(connection, channel)

    # Deliveries

    def deliver(self, channel: str, delivery: Delivery) -> None:
        """Take a delivery from the broker."""
        self._arrived.append((channel, delivery))
        self._take_a_turn()

    def missed(self, channels: Collection[str] | None = None) -> None:
        """Hold these channels back, or all, until it is known what was missed."""
        self.numbers.outages += 1
        for channel in self._rooms if channels is None else channels:
            if (room := self._rooms.get(channel)) is not None:
                self._resync.doubt(room)

    async def check_position(self, channel: str) -> None:
        """Compare where the channel's followers stand with the broker, and catch them up where they are behind."""
        if (room := self._rooms.get(channel)) is not None:
            await self._resync.check([room])

    def _take_a_turn(self) -> None:
        if not self._turn_is_near:
            self._turn_is_near = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._turn_is_near = False
        self._sort_arrived()
        self._writer.write()
        if self._writer.busy:
            self._take_a_turn()

    def _sort_arrived(self) -> None:
        """Hand out what has arrived; within this, what arrives meanwhile waits for its turn."""
        if self._sorting:
            return
        self._sorting = True
        try:
            while self._arrived:
                arrived, self._arrived = self._arrived, []
                for channel, delivery in arrived:
                    self._sort(channel, delivery)
        finally:
            self._sorting = False

    def _sort(self, channel: str, delivery: Delivery) -> None:
        room = self._rooms.get(channel)
        if room is None:
            return
        broadcast = Broadcast(channel, delivery)
        self.numbers.publications += 1
        if room.held is not None:
            room.held.add(broadcast)
        else:
            self._hand_out(room, broadcast)

    def _hand_out(self, room: Room[Connection], broadcast: Broadcast, again: bool = False) -> None:
        self.numbers.deliveries += room.straggling
        if room.take(broadcast, again=again):
            self._writer.queue(room)
            self._take_a_turn()
        elif not again:  # nobody is in step, so whoever was to have it has been handed it already
            self._writer.count(broadcast)

    # What is done to connections here that match all that is given; returned is how many they are

    def disconnect(
        self,
        *,
        user: str | None = None,
        session: str | None = None,
        client: str | None = None,
        realm: str | None = None,
        spared: Collection[str] = (),
        code: int = DisconnectCode.FORCE_DISCONNECT,
        reason: str = "",
    ) -> int:
        """Close them, except those of the ``spared`` clients."""
        chosen = self._registry.chosen(user=user, session=session, client=client, realm=realm)
        return self._do(
            [connection for connection in chosen if connection.session.client not in spared],
            lambda session: session.close(code, reason),
        )

    def subscribe(
        self,
        channel: str,
        opening: Opening,
        *,
        since: Position | None = None,
        user: str | None = None,
        session: str | None = None,
        client: str | None = None,
    ) -> int:
        """Have them follow a channel."""
        return self._do(
            self._registry.chosen(user=user, session=session, client=client),
            lambda session: session.subscribe_by_server(channel, opening, since),
        )

    def unsubscribe(
        self,
        channel: str,
        *,
        user: str | None = None,
        session: str | None = None,
        client: str | None = None,
        code: int = UnsubscribeCode.SERVER,
        reason: str = "",
    ) -> int:
        """End their subscriptions to a channel."""
        chosen = self._registry.chosen(user=user, session=session, client=client)
        return self._do(
            [connection for connection in chosen if channel in connection.session.subscriptions],
            lambda session: session.unsubscribe(channel, code, reason),
        )

    def refresh(
        self,
        expires_at: float | None,
        *,
        user: str | None = None,
        session: str | None = None,
        client: str | None = None,
        realm: str | None = None,
    ) -> int:
        """Move their end, in Unix seconds; None is never."""
        return self._do(
            self._registry.chosen(user=user, session=session, client=client, realm=realm),
            lambda session: session.refresh_by_server(expires_at),
        )

    def message(
        self,
        data: bytes,
        *,
        user: str | None = None,
        session: str | None = None,
        client: str | None = None,
    ) -> int:
        """Say something to them, outside any channel: raw JSON."""
        return self._do(
            self._registry.chosen(user=user, session=session, client=client),
            lambda session: session.message(data),
        )

    def _do(self, connections: Sequence[Connection], act: Callable[[Session], None]) -> int:
        """Do something to connections after they were handed what has come for them before."""
        self._sort_arrived()
        for connection in connections:
            self.clog(connection)
            act(connection.session)
            connection.perform()
            self.unclog(connection)
        return len(connections)

    async def shutdown(self, within_s: float = 5.0) -> None:
        """Take no more connections, close those there are with 3001, one here and one there, and let calls finish.

        They are spread over the time, or all would knock at the next hub at once. Returns by ``within_s``.
        """
        self.draining, self.numbers.draining = True, 1
        clock = asyncio.get_running_loop().time
        begun = clock()
        connections = list(self._registry)
        random.shuffle(connections)
        closed, total = 0, len(connections)
        while closed < total:
            passed = (clock() - begun) / (within_s * CLOSING) if within_s else 1.0
            due = min(total, int(total * passed) + 1)
            self._do(connections[closed:due], lambda session: session.close(DisconnectCode.SHUTDOWN))
            closed = due
            await asyncio.sleep(PACE_S if closed < total else 0)
        self.disconnect(code=DisconnectCode.SHUTDOWN)  # who was coming in just then
        for _ in range(int((begun + within_s - clock()) / PACE_S)):
            if not self.connections and not self.numbers.calls:
                return
            await asyncio.sleep(PACE_S)

    async def run(self) -> None:
        """Keep deliveries coming until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.broker.run())
            tasks.create_task(self._presence.run())
            tasks.create_task(self._resync.run())
