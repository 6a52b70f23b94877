"""The broker of a single process: everything in dictionaries, deliveries by a call."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from channels.broker import IDEMPOTENCY_S, Listener, Patience
from channels.protocol.messages import ClientInfo
from channels.stream import Delivery, History, HistoryPolicy, Joined, Left, Position, Publication, Stream

SWEEP_S = 30.0


class MemoryBroker:
    """Keep channels in this process; they end with it."""

    def __init__(
        self, patience: Patience | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience or Patience()
        self._clock = clock
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
        tags: dict[str, str] | None = None,
        info: ClientInfo | None = None,
    ) -> Position:
        """Remember and deliver in one step, which nothing can come between."""
        now = self._clock()
        self._forget_keys(now)
        if key is not None and (done := self._published.get((channel, key))):
            return done[1]
        if history is None:
            publication = Publication(data=data, tags=tags, info=info)
        else:
            publication = self._stream(channel).append(data, history, now, tags=tags, info=info)
        position = Position(publication.offset, publication.epoch)
        if key is not None:
            self._published[channel, key] = (now + IDEMPOTENCY_S, position)
        self._deliver(channel, publication)
        return position

    async def announce(self, channel: str, event: Joined | Left) -> None:
        """Tell followers who joined or left."""
        self._deliver(channel, event)

    async def follow(self, channel: str) -> None:
        """Deliver the channel from now on."""
        self._followed.add(channel)

    def unfollow(self, channel: str) -> None:
        """Deliver the channel no longer."""
        self._followed.discard(channel)

    async def history(
        self, channel: str, *, since: Position | None = None, limit: int = 0, reverse: bool = False
    ) -> History:
        """Read back."""
        return self._stream(channel).read(self._clock(), since=since, limit=limit, reverse=reverse)

    async def arrive(self, channel: str, info: ClientInfo) -> None:
        """Enter or confirm a follower's presence."""
        expires_at = self._clock() + self._patience.presence_s
        self._present.setdefault(channel, {})[info.client] = (expires_at, info)

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
