"""The broker of a single process: everything in dictionaries, deliveries by a call."""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence

from channels.broker import (
    IDEMPOTENCY_S,
    Attendance,
    Listener,
    Outcome,
    Outgoing,
    Patience,
    Published,
)
from channels.protocol.messages import ClientInfo
from channels.stream import (
    START,
    Delivery,
    History,
    HistoryPolicy,
    Joined,
    Left,
    Position,
    Publication,
    Stream,
    Version,
)

SWEEP_S = 30.0


class MemoryBroker:
    """Keep channels in this process; they end with it."""

    def __init__(
        self,
        patience: Patience | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._patience = patience or Patience()
        self._clock = clock
        self._wall = wall
        self._listener: Listener | None = None
        self._followed: set[str] = set()
        self._streams: dict[str, Stream] = {}
        self._published: OrderedDict[tuple[str, str], tuple[float, Position]] = OrderedDict()
        self._present: dict[str, dict[str, tuple[float, ClientInfo]]] = {}

    def attach(self, listener: Listener) -> None:
        """Say who takes deliveries."""
        self._listener = listener

    async def run(self) -> None:
        """Forget what has run out, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep()

    async def close(self) -> None:
        """Nothing is held open."""

    async def publish(
        self,
        channel: str,
        data: bytes,
        *,
        history: HistoryPolicy | None = None,
        key: str | None = None,
        version: Version | None = None,
        tags: dict[str, str] | None = None,
        info: ClientInfo | None = None,
    ) -> Published:
        """Remember and deliver in one step, which nothing can come between."""
        return self._publish(
            Outgoing(
                channel=channel,
                data=data,
                history=history,
                key=key,
                version=version,
                tags=tags,
                info=info,
            )
        )

    async def publish_many(self, publications: Sequence[Outgoing]) -> list[Published]:
        """Publish one after the other."""
        return [self._publish(one) for one in publications]

    def _publish(self, wanted: Outgoing) -> Published:
        now = self._clock()
        self._forget_keys(now)
        known = (wanted.channel, wanted.key or "")
        if wanted.key is not None and (done := self._published.get(known)):
            return Published(done[1].offset, done[1].epoch, Outcome.REPEATED)
        if wanted.version is not None and not self._stream(wanted.channel).renew(wanted.version, now):
            top = self._stream(wanted.channel).top if wanted.history else START
            return Published(top.offset, top.epoch, Outcome.OUTDATED)
        tags, info, published_at = wanted.tags, wanted.info, self._wall()
        if wanted.history is None:
            publication = Publication(data=wanted.data, tags=tags, info=info, published_at=published_at)
        else:
            publication = self._stream(wanted.channel).append(
                wanted.data, wanted.history, now, tags=tags, info=info, published_at=published_at
            )
        if wanted.key is not None:
            position = Position(publication.offset, publication.epoch)
            self._published[known] = (now + IDEMPOTENCY_S, position)
        self._deliver(wanted.channel, publication)
        return Published(publication.offset, publication.epoch)

    async def announce(self, channel: str, event: Joined | Left) -> None:
        """Tell followers who joined or left."""
        self._deliver(channel, event)

    async def follow(self, channel: str) -> None:
        """Deliver the channel from now on."""
        self._followed.add(channel)

    def unfollow(self, channel: str) -> None:
        """Deliver the channel no longer."""
        self._followed.discard(channel)

    async def followed(self, pattern: str = "*") -> set[str]:
        """Return the channels followed in this process."""
        wanted = _expression(pattern)
        return {channel for channel in self._followed if wanted.fullmatch(channel)}

    async def history(
        self, channel: str, *, since: Position | None = None, limit: int = 0, reverse: bool = False
    ) -> History:
        """Read back."""
        return self._stream(channel).read(self._clock(), since=since, limit=limit, reverse=reverse)

    async def remove_history(self, channel: str) -> None:
        """Forget the publications of a channel, but not its top."""
        self._stream(channel).clear()

    async def arrive(self, channel: str, info: ClientInfo) -> None:
        """Enter or confirm a follower's presence."""
        expires_at = self._clock() + self._patience.presence_s
        self._present.setdefault(channel, {})[info.client] = (expires_at, info)

    async def arrive_many(self, arrivals: Iterable[tuple[str, ClientInfo]]) -> None:
        """Enter or confirm many."""
        for channel, info in arrivals:
            await self.arrive(channel, info)

    async def leave(self, channel: str, client: str) -> None:
        """End a follower's presence."""
        present = self._present.get(channel, {})
        present.pop(client, None)
        if not present:
            self._present.pop(channel, None)

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        """Return who is present."""
        now = self._clock()
        present = self._present.get(channel, {})
        return {client: info for client, (expires_at, info) in present.items() if expires_at > now}

    async def attendance(self, channel: str) -> Attendance:
        """Return how many are present."""
        present = await self.presence(channel)
        return Attendance(len(present), len({info.user for info in present.values()}))

    def flush(self) -> None:
        """Forget everything, as a Redis that was emptied."""
        self._streams.clear()
        self._published.clear()
        self._present.clear()

    def sweep(self) -> None:
        """Let go of channels and followers that have run out."""
        now = self._clock()
        self._forget_keys(now)
        oldest = now - self._patience.top_s
        self._streams = {c: s for c, s in self._streams.items() if s.touched_at > oldest}
        for channel, present in list(self._present.items()):
            for client in [c for c, (expires_at, _) in present.items() if expires_at <= now]:
                del present[client]
            if not present:
                del self._present[channel]

    def _stream(self, channel: str) -> Stream:
        if (stream := self._streams.get(channel)) is None:
            stream = self._streams[channel] = Stream()
        return stream

    def _deliver(self, channel: str, delivery: Delivery) -> None:
        if self._listener is not None and channel in self._followed:
            self._listener.deliver(channel, delivery)

    def _forget_keys(self, now: float) -> None:
        # All keys live equally long, so the oldest stand first.
        while self._published and next(iter(self._published.values()))[0] <= now:
            self._published.popitem(last=False)


def _expression(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(letter) or re.escape(letter) for letter in pattern), re.DOTALL)
