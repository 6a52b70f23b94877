"""The hub of one process: which connections follow which channel, and each delivery handed to all of them.

1. A channel is followed at the broker from its first local follower until its last; the local list changes before
   anything is awaited.
2. A delivery is written once per codec, whatever the number of followers.
3. When the broker may have lost deliveries, a channel's deliveries are held until its history was read: what was
   missed is delivered late, and where that is not possible its followers are told.
"""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Iterable
from typing import Final, Protocol

from channels.broadcast import Broadcast
from channels.broker import Broker, BrokerUnavailable
from channels.host import Identity, Opening
from channels.protocol.codes import DisconnectCode, UnsubscribeCode
from channels.recovery import MOST_RECOVERED, Held, recovered
from channels.session import Session
from channels.stream import Delivery, Position
from server.hub_numbers import HubNumbers

logger = logging.getLogger(__name__)

PRESENCE_S: Final = 27.0
POSITIONS_S: Final = 40.0
RESYNCS_AT_ONCE: Final = 16
RESYNC_PAUSE_S: Final = 0.5


class Connection(Protocol):
    """What the hub knows of a connection."""

    session: Session

    def deliver(self, broadcast: Broadcast) -> None:
        """Take a delivery; never waits."""

    def perform(self) -> None:
        """Do what the session wants done after it was told something."""


class Hub:
    """Hand deliveries of the broker to the connections of this process."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.numbers = HubNumbers()
        """What is counted here; connections add to it too."""
        self.draining = False
        self._connections: dict[str, Connection] = {}
        self._users: dict[str, set[Connection]] = {}
        self._followers: dict[str, dict[str, Connection]] = {}
        self._held: dict[str, Held] = {}
        self._doubted: asyncio.Queue[str] = asyncio.Queue()  # at most once per followed channel, see _doubt
        self._queued: set[str] = set()
        self._emptied = asyncio.Event()
        self._emptied.set()
        broker.attach(self)

    # Connections

    @property
    def connections(self) -> int:
        """How many connections are open here."""
        return len(self._connections)

    @property
    def channels(self) -> int:
        """How many channels are followed here."""
        return len(self._followers)

    def followers(self) -> dict[str, int]:
        """How many connections follow each channel here."""
        return {channel: len(followers) for channel, followers in self._followers.items()}

    def identities(self) -> list[Identity]:
        """Who is connected here, once per connection."""
        return [i for one in self._connections.values() if (i := one.session.identity) is not None]

    def enter(self, connection: Connection) -> None:
        """Take a connection in."""
        self._connections[connection.session.client] = connection
        self._emptied.clear()

    def identify(self, connection: Connection, identity: Identity) -> None:
        """Learn whose connection it is."""
        self._users.setdefault(identity.user, set()).add(connection)

    def depart(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        session = connection.session
        self._connections.pop(session.client, None)
        if not self._connections:
            self._emptied.set()
        for channel in [
            c for c in session.subscriptions if connection.session.client in self._followers.get(c, {})
        ]:
            self.unfollow(connection, channel)
        if session.identity is not None and (mine := self._users.get(session.identity.user)):
            mine.discard(connection)
            if not mine:
                del self._users[session.identity.user]

    async def follow(self, connection: Connection, channel: str) -> None:
        """Hand the channel's deliveries to the connection; raises BrokerUnavailable."""
        self._followers.setdefault(channel, {})[connection.session.client] = connection
        await self.broker.follow(channel)

    def unfollow(self, connection: Connection, channel: str) -> None:
        """Hand them over no longer."""
        followers = self._followers.get(channel, {})
        followers.pop(connection.session.client, None)
        if not followers and self._followers.pop(channel, None) is not None:
            self._held.pop(channel, None)
            self.broker.unfollow(channel)

    def settle(self, connection: Connection, channel: str) -> None:
        """Learn that a subscription of the connection is live or has moved."""

    def clog(self, connection: Connection) -> None:
        """Learn that what the connection is sent is queued from now on."""

    def unclog(self, connection: Connection) -> None:
        """Learn that it is written at once again."""

    # Deliveries

    def deliver(self, channel: str, delivery: Delivery) -> None:
        """Take a delivery from the broker."""
        broadcast = Broadcast(channel, delivery)
        held = self._held.get(channel)
        if held is not None:
            held.add(broadcast)
        else:
            self._hand_out(broadcast)

    def missed(self, channels: Collection[str] | None = None) -> None:
        """Hold these channels back, or all, until it is known what was missed."""
        for channel in self._followers if channels is None else channels:
            if channel in self._followers:
                self._doubt(channel)

    def _hand_out(self, broadcast: Broadcast) -> None:
        for connection in list(self._followers.get(broadcast.channel, {}).values()):
            connection.deliver(broadcast)

    def _doubt(self, channel: str) -> None:
        self._held[channel] = Held()
        if channel not in self._queued:
            self._queued.add(channel)
            self._doubted.put_nowait(channel)

    # What is done to connections here that match all that is given; returned is how many they are

    def disconnect(
        self,
        *,
        user: str | None = None,
        session: str | None = None,
        client: str | None = None,
        spared: Collection[str] = (),
        code: int = DisconnectCode.FORCE_DISCONNECT,
        reason: str = "",
    ) -> int:
        """Close them, except those of the ``spared`` clients."""
        chosen = [c for c in self._chosen(user, session, client) if c.session.client not in spared]
        for connection in chosen:
            connection.session.close(code, reason)
            connection.perform()
        return len(chosen)

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
        chosen = self._chosen(user, session, client)
        for connection in chosen:
            connection.session.subscribe_by_server(channel, opening, since)
            connection.perform()
        return len(chosen)

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
        chosen = [c for c in self._chosen(user, session, client) if channel in c.session.subscriptions]
        for connection in chosen:
            connection.session.unsubscribe(channel, code, reason)
            connection.perform()
        return len(chosen)

    def refresh(
        self,
        expires_at: float | None,
        *,
        user: str | None = None,
        session: str | None = None,
        client: str | None = None,
    ) -> int:
        """Move their end, in Unix seconds; None is never."""
        chosen = self._chosen(user, session, client)
        for connection in chosen:
            connection.session.refresh_by_server(expires_at)
            connection.perform()
        return len(chosen)

    def message(
        self,
        data: bytes,
        *,
        user: str | None = None,
        session: str | None = None,
        client: str | None = None,
    ) -> int:
        """Say something to them, outside any channel: raw JSON."""
        chosen = self._chosen(user, session, client)
        for connection in chosen:
            connection.session.message(data)
            connection.perform()
        return len(chosen)

    async def shutdown(self, within_s: float = 5.0) -> None:
        """Take no more connections and close those there are, spread over some time, with 3001."""
        self.draining = True
        connections = list(self._connections.values())
        for number, connection in enumerate(connections):
            connection.session.close(DisconnectCode.SHUTDOWN)
            connection.perform()
            if number % 100 == 99:
                await asyncio.sleep(within_s / 2 / (len(connections) / 100))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s / 2):
                await self._emptied.wait()

    def _chosen(self, user: str | None, session: str | None, client: str | None) -> list[Connection]:
        pool: Iterable[Connection] = self._connections.values() if user is None else self._users.get(user, ())
        return [c for c in pool if _matches(c.session, session, client)]

    # Going on

    async def run(self) -> None:
        """Keep deliveries coming until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.broker.run())
            tasks.create_task(self._confirm_presence())
            tasks.create_task(self._check_positions())
            for _ in range(RESYNCS_AT_ONCE):
                tasks.create_task(self._resync_doubted())

    async def _resync_doubted(self) -> None:
        while True:
            channel = await self._doubted.get()
            self._queued.discard(channel)
            if channel not in self._followers:
                continue
            try:
                await self._resync(channel)
            except Exception as error:  # the edge: one channel's trouble must not end the hub
                # The hold goes on: what was missed is still not known.
                logger.warning("channel %r cannot be caught up yet: %r", channel, error)
                await asyncio.sleep(RESYNC_PAUSE_S)
                if channel in self._followers and channel not in self._queued:
                    self._queued.add(channel)
                    self._doubted.put_nowait(channel)

    async def _resync(self, channel: str) -> None:
        held = self._held.get(channel)
        await self.broker.follow(channel)
        since = self._lowest_position(channel)
        history = None
        if since is not None:
            history = await self.broker.history(channel, since=since, limit=MOST_RECOVERED)
        if self._held.get(channel) is not held or channel not in self._followers:
            return  # doubted again meanwhile, or left
        self._held.pop(channel, None)
        missed = recovered(history, since) if history is not None and since is not None else None
        if missed is None or (held is not None and held.incomplete):
            self._tell_doubt(channel)
        for publication in missed or ():
            self._hand_out(Broadcast(channel, publication))
        for broadcast in held.release() if held is not None else ():
            self._hand_out(broadcast)

    def _lowest_position(self, channel: str) -> Position | None:
        positions = [c.session.position(channel) for c in self._followers.get(channel, {}).values()]
        known = [p for p in positions if p is not None]
        return min(known, key=lambda p: p.offset) if known else None

    def _tell_doubt(self, channel: str) -> None:
        for connection in list(self._followers.get(channel, {}).values()):
            connection.session.doubt(channel)
            connection.perform()

    async def _check_positions(self) -> None:
        while True:
            await asyncio.sleep(POSITIONS_S)
            for channel in list(self._followers):
                if self._lowest_position(channel) is not None and channel not in self._held:
                    with contextlib.suppress(BrokerUnavailable):
                        await self.check_position(channel)

    async def check_position(self, channel: str) -> None:
        """Compare where the channel's followers stand with the broker, and catch them up where they are behind."""
        top = (await self.broker.history(channel)).top
        await asyncio.sleep(RESYNC_PAUSE_S)  # what was on its way when the top was read has come by now
        lowest = self._lowest_position(channel)
        if lowest is not None and (lowest.epoch != top.epoch or lowest.offset < top.offset):
            logger.warning("channel %r stands at %d, the broker at %d", channel, lowest.offset, top.offset)
            self._doubt(channel)

    async def _confirm_presence(self) -> None:
        while True:
            await asyncio.sleep(PRESENCE_S)
            for connection in list(self._connections.values()):
                for subscription in list(connection.session.subscriptions.values()):
                    if subscription.present and subscription.opening.presence:
                        with contextlib.suppress(BrokerUnavailable):
                            info = connection.session.client_info(subscription)
                            await self.broker.arrive(subscription.channel, info)


def _matches(session: Session, login: str | None, client: str | None) -> bool:
    identity = session.identity
    if login is not None and (identity is None or identity.session != login):
        return False
    return client is None or session.client == client
