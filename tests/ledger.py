"""What one unmodified client has heard of one channel, and whether that is all there was, once and in order.

A client that is told that it could not be caught up (`recovered` false) takes the gap from the channel's history, as
an application would.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from centrifuge import CentrifugeError, Client, ClientEventHandler, StreamPosition, SubscriptionEventHandler

AGAIN_S: Final = 0.1
PAGE: Final = 200


class Connection(ClientEventHandler):
    """The codes with which one client's connections began: 0 is the first."""

    def __init__(self, codes: list[int]) -> None:
        self._codes = codes

    async def on_connecting(self, context: Any) -> None:
        self._codes.append(context.code)


class Ledger(SubscriptionEventHandler):
    """Everything with an offset that one subscription has brought, and the gaps it was told of."""

    def __init__(self) -> None:
        self.lives: list[tuple[str, dict[int, Any]]] = []
        """Epochs in the order they came, each with what was heard by offset."""
        self.begins: dict[str, int] = {}
        """What the first subscribe of each epoch stood at; what is up to there is not owed."""
        self.faults: list[str] = []
        self.recovered = 0
        self.told_gaps = 0
        self.views: list[Any] = []
        self.subscription: Any = None
        self.connections: list[int] = []
        """Why the client connected: 0 the first time, then the codes of what had ended."""
        self._newest = 0
        self._fetches: set[asyncio.Task[None]] = set()

    @property
    def heard(self) -> dict[int, Any]:
        """What was heard in the epoch that is."""
        return self.lives[-1][1] if self.lives else {}

    @property
    def data(self) -> list[Any]:
        """What was heard in the epoch that is, in the order of offsets."""
        return [self.heard[offset] for offset in sorted(self.heard)]

    @property
    def complete(self) -> bool:
        """Whether nothing is missing before the newest that was heard, and no gap is being fetched."""
        first = self.begins[self.lives[-1][0]] + 1 if self.lives else 1
        return not self._fetches and sorted(self.heard) == list(range(first, self._newest + 1))

    async def on_subscribed(self, context: Any) -> None:
        at = context.stream_position
        self.views.append(context.data)
        self.recovered += context.recovered
        if not self.lives:
            self._begin(at.epoch, at.offset)
        elif at.epoch != self.lives[-1][0]:
            self.told_gaps += 1
            if context.recovered:
                self.faults.append("recovered into another epoch")
            self._begin(at.epoch, 0)
            self._fetch(at.offset)
        elif context.was_recovering and not context.recovered:
            self.told_gaps += 1
            self._fetch(at.offset)

    async def on_publication(self, context: Any) -> None:
        if context.pub.offset != self._newest + 1:
            self.faults.append(f"{context.pub.offset} came after {self._newest}")
        self._newest = max(self._newest, context.pub.offset)
        self._take(self.heard, context.pub)

    def _begin(self, epoch: str, offset: int) -> None:
        self.lives.append((epoch, {}))
        self.begins[epoch] = self._newest = offset

    def _take(self, heard: dict[int, Any], publication: Any) -> None:
        if publication.offset in heard:
            self.faults.append(f"{publication.offset} came twice")
        data = publication.data
        # In Protobuf a payload is bytes, in JSON it is read.
        heard[publication.offset] = json.loads(data) if isinstance(data, bytes) else data

    def _fetch(self, until: int) -> None:
        """Read what lies between the newest that was heard and where the channel goes on."""
        after, self._newest = self._newest, until
        task = asyncio.create_task(self._fetch_all(*self.lives[-1], after, until))
        self._fetches.add(task)
        task.add_done_callback(self._fetches.discard)

    async def _fetch_all(self, epoch: str, heard: dict[int, Any], after: int, until: int) -> None:
        while after < until:
            try:
                page = await self.subscription.history(limit=PAGE, since=StreamPosition(after, epoch))
            except CentrifugeError:
                await asyncio.sleep(AGAIN_S)
                continue
            missed = [p for p in page.publications if p.offset <= until]
            if page.epoch != epoch or not missed or missed[0].offset != after + 1:
                self.faults.append(f"history does not hold what is after {after}")
                return
            for publication in missed:
                self._take(heard, publication)
            after = missed[-1].offset


@asynccontextmanager
async def keeping_ledger(
    url: str, channel: str, *, token: str = "", use_protobuf: bool = False
) -> AsyncIterator[Ledger]:
    """Follow a channel with a client that comes back quickly, until the block ends."""
    ledger = Ledger()
    client = Client(
        url,
        events=Connection(ledger.connections),
        token=token,
        proxy=None,
        use_protobuf=use_protobuf,
        max_reconnect_delay=0.5,
        timeout=3.0,
    )
    await client.connect()
    try:
        ledger.subscription = client.new_subscription(channel, ledger, max_resubscribe_delay=0.5)
        await ledger.subscription.subscribe()
        await ledger.subscription.ready(timeout=20)
        yield ledger
    finally:
        await client.disconnect()
