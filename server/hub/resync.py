"""Catches rooms up: after the broker may have lost deliveries, and where one was lost in silence.

1. A room that is doubted holds its deliveries back until history was read. What was missed is handed out late; those
   for whom that is not possible are told.
2. Every 40 seconds each room with somebody who is to be told of gaps is compared with the broker, once for all of its
   followers, and the rooms are spread over that time.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from channels.broadcast import Broadcast
from channels.broker import Broker, BrokerUnavailable
from channels.recovery import MOST_RECOVERED, Held, recovered
from channels.room import Room
from channels.stream import Position, Publication
from server.hub.connection import Connection
from server.hub_numbers import HubNumbers

logger = logging.getLogger(__name__)

POSITIONS_S: Final = 40.0
PORTIONS: Final = 40
READ_AT_ONCE: Final = 16
RESYNCS_AT_ONCE: Final = 16
PAUSE_S: Final = 0.5
TOLD_AT_ONCE: Final = 250

HandOut = Callable[[Room[Connection], Broadcast, bool], None]
"""Give a room a delivery; the last says whether it was read back from history."""


class Resync:
    """Keep the rooms of a hub complete."""

    def __init__(
        self,
        broker: Broker,
        rooms: Mapping[str, Room[Connection]],
        numbers: HubNumbers,
        hand_out: HandOut,
    ) -> None:
        self._broker = broker
        self._rooms = rooms
        self._numbers = numbers
        self._hand_out = hand_out
        self._doubted: asyncio.Queue[str] = asyncio.Queue()  # each followed channel at most once
        self._queued: set[str] = set()

    def doubt(self, room: Room[Connection]) -> None:
        """Hold a room back until it is known what it has missed."""
        held, room.held = room.held, Held()
        if held is not None:
            room.held.incomplete = held.incomplete
            for broadcast in held.release():
                room.held.add(broadcast)
        self._queue(room.channel)

    def _queue(self, channel: str) -> None:
        if channel not in self._queued:
            self._queued.add(channel)
            self._doubted.put_nowait(channel)

    async def run(self) -> None:
        """Catch up until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._check_positions())
            for _ in range(RESYNCS_AT_ONCE):
                tasks.create_task(self._catch_up_doubted())

    # What was missed

    async def _catch_up_doubted(self) -> None:
        while True:
            channel = await self._doubted.get()
            self._queued.discard(channel)
            room = self._rooms.get(channel)
            if room is None or room.held is None:
                continue
            try:
                await self._catch_up(room)
            except Exception as error:  # the edge: one channel's trouble must not end the hub
                # The hold goes on: what was missed is still not known.
                self._numbers.failed_resyncs += 1
                logger.warning("channel %r cannot be caught up yet: %r", channel, error)
                await asyncio.sleep(PAUSE_S)
                self._queue(channel)

    async def _catch_up(self, room: Room[Connection]) -> None:
        held = room.held
        await self._broker.follow(room.channel)
        missed = await self._read_missed(room)
        if missed is None or (held is not None and held.incomplete):
            await self._tell(room, room)
            room.forget_position()  # newcomers must not take it for where the stream stands
        if room.held is not held or self._rooms.get(room.channel) is not room:
            return  # doubted again meanwhile, or left
        room.held = None
        self._numbers.resyncs += 1
        for publication in missed or ():
            self._hand_out(room, Broadcast(room.channel, publication), True)
        for broadcast in held.release() if held is not None else ():
            self._hand_out(room, broadcast, False)

    async def _read_missed(self, room: Room[Connection]) -> Sequence[Publication] | None:
        """Return what was published after the hindmost follower, or after those who can still be helped."""
        since = room.lowest()
        if since is None:
            return None
        missed = await self._read(room.channel, since)
        if missed is None and room.position is not None and since.offset < room.position.offset:
            since = room.position
            missed = await self._read(room.channel, since)
            if missed is not None:
                await self._tell(room, room.behind(since))
        return missed

    async def _read(self, channel: str, since: Position) -> Sequence[Publication] | None:
        return recovered(await self._broker.history(channel, since=since, limit=MOST_RECOVERED), since)

    async def _tell(self, room: Room[Connection], followers: Iterable[Connection]) -> None:
        """Tell followers that deliveries are lost for good; the room is held meanwhile, so nothing overtakes."""
        for number, connection in enumerate(followers):
            connection.session.doubt(room.channel)
            connection.perform()
            if number % TOLD_AT_ONCE == TOLD_AT_ONCE - 1:
                await asyncio.sleep(0)

    # What was lost in silence

    async def _check_positions(self) -> None:
        while True:
            rooms = list(self._rooms.values())
            for portion in range(PORTIONS):
                await asyncio.sleep(POSITIONS_S / PORTIONS)
                await self.check(rooms[portion::PORTIONS])

    async def check(self, rooms: Sequence[Room[Connection]]) -> None:
        """Compare where rooms stand with the broker, and catch them up where they are behind."""
        wanted = [room for room in rooms if self._is_to_check(room)]
        found: list[tuple[Room[Connection], Position]] = []
        for begin in range(0, len(wanted), READ_AT_ONCE):
            some = wanted[begin : begin + READ_AT_ONCE]
            tops = await asyncio.gather(*(self._top(room.channel) for room in some))
            found += [(room, top) for room, top in zip(some, tops, strict=True) if top is not None]
        if found:
            await asyncio.sleep(PAUSE_S)  # what was on its way when the tops were read has come by now
        for room, top in found:
            at = room.lowest()
            if (
                self._is_to_check(room)
                and at is not None
                and (at.epoch != top.epoch or at.offset < top.offset)
            ):
                logger.warning(
                    "channel %r stands at %d, the broker at %d", room.channel, at.offset, top.offset
                )
                self.doubt(room)

    def _is_to_check(self, room: Room[Connection]) -> bool:
        return self._rooms.get(room.channel) is room and room.held is None and room.lowest() is not None

    async def _top(self, channel: str) -> Position | None:
        with contextlib.suppress(BrokerUnavailable):
            return (await self._broker.history(channel)).top
        return None
