"""What all hubs of a house are told.

1. An order (`server.orders`) reaches every hub over one channel and is carried out at once and once. A hub that may
   have missed some reads them back; where that is no longer possible it says so to those who must know (`on_gap`).
2. An order that the broker did not take is an error for who gave it, never silence.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Any, Final

import msgspec
import structlog

from channels.broker import Broker, BrokerUnavailable
from channels.recovery import MOST_RECOVERED, Verdict, judge, recovered
from channels.stream import START, Delivery, History, Position, Publication
from server import orders
from server.fanout import Hub
from server.orders import CONTROL, Order

logger = structlog.get_logger(__name__)

AGAIN_S: Final = 0.5

Taker = Callable[[Any], None]  # each takes the kind of order it stands beside


class Control:
    """Stands between broker and hub, and keeps the channel of orders to itself."""

    def __init__(self, broker: Broker, hub: Hub) -> None:
        self._broker = broker
        self._hub = hub
        self._position: Position | None = None
        self._doubt = asyncio.Event()
        self._gaps: list[Callable[[], None]] = []
        self._listeners: dict[str, Callable[[Delivery], None]] = {CONTROL: self._hear}
        self._takers: dict[type[Order], Taker] = {
            orders.Disconnect: self._disconnect,
            orders.Subscribe: self._subscribe,
            orders.Unsubscribe: self._unsubscribe,
            orders.Refresh: self._refresh,
            orders.Say: self._say,
        }
        broker.attach(self)

    def on(self, kind: type[Order], take: Taker) -> None:
        """Have orders of a kind carried out by ``take``."""
        self._takers[kind] = take

    def on_gap(self, look: Callable[[], None]) -> None:
        """Call ``look`` after orders were missed for good."""
        self._gaps.append(look)

    def listen(self, channel: str, take: Callable[[Delivery], None]) -> None:
        """Have deliveries of a channel between hubs taken by ``take``; following it is the caller's."""
        self._listeners[channel] = take

    async def give(self, order: Order, *, lasting: bool = True) -> None:
        """Tell every hub, as `orders.give` does."""
        await orders.give(self._broker, order, lasting=lasting)

    # What the broker delivers

    def deliver(self, channel: str, delivery: Delivery) -> None:
        """Take a delivery; those of other channels are the hub's."""
        take = self._listeners.get(channel)
        if take is None:
            self._hub.deliver(channel, delivery)
        else:
            take(delivery)

    def missed(self, channels: Collection[str] | None = None) -> None:
        """Doubt what the hub doubts, and whether orders were among it."""
        self._hub.missed(channels)
        if channels is None or CONTROL in channels:
            self._doubt.set()

    def _hear(self, delivery: Delivery) -> None:
        if isinstance(delivery, Publication):
            self._take(delivery)

    def _take(self, publication: Publication) -> None:
        verdict = judge(self._position or START, publication)
        if verdict is Verdict.GAP:
            self._doubt.set()
        elif verdict is Verdict.SEND:
            self._position = Position(publication.offset, publication.epoch)
            self._carry_out(publication.data)

    def _carry_out(self, data: bytes) -> None:
        try:
            order = orders.decode(data)
            if (take := self._takers.get(type(order))) is not None:
                take(order)
        except msgspec.MsgspecError:
            logger.exception("the channel of orders carries what this version does not know")
        except Exception:  # the edge: one order's trouble must not end the deliveries of all channels
            logger.exception("an order could not be carried out")

    # Going on

    async def run(self) -> None:
        """Listen, and catch up after each gap, until cancelled."""
        self._doubt.set()
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            try:
                await self._catch_up()
            except BrokerUnavailable as error:
                logger.warning("orders cannot be read back yet", error=str(error))
                await asyncio.sleep(AGAIN_S)
                self._doubt.set()

    async def _catch_up(self) -> None:
        since = self._position
        if since is None:
            # What was ordered before this hub began is nothing to it.
            since = self._position = (await self._broker.history(CONTROL)).top
        await self._broker.follow(CONTROL)
        history = await self._broker.history(CONTROL, since=since, limit=MOST_RECOVERED)
        if recovered(history, since) is None:
            history = await self._begin_anew(since, history.top)
        for publication in history.publications:
            self._take(publication)

    async def _begin_anew(self, since: Position, top: Position) -> History:
        """Say that orders are lost for good, and go on with those that are left."""
        left = Position(since.offset if since.epoch == top.epoch else 0, top.epoch)
        history = await self._broker.history(CONTROL, since=left, limit=MOST_RECOVERED)
        first = history.publications[0].offset if history.publications else history.top.offset + 1
        self._position = Position(first - 1, history.top.epoch)
        for look in self._gaps:
            look()
        return history

    # Orders for the hub

    def _disconnect(self, order: orders.Disconnect) -> None:
        self._hub.disconnect(
            user=order.user,
            session=order.session,
            client=order.client,
            realm=order.realm,
            spared=order.spared,
            code=order.code,
            reason=order.reason,
        )

    def _subscribe(self, order: orders.Subscribe) -> None:
        self._hub.subscribe(
            order.channel,
            order.opening,
            since=order.since,
            user=order.user,
            session=order.session,
            client=order.client,
        )

    def _unsubscribe(self, order: orders.Unsubscribe) -> None:
        self._hub.unsubscribe(
            order.channel,
            user=order.user,
            session=order.session,
            client=order.client,
            code=order.code,
            reason=order.reason,
        )

    def _refresh(self, order: orders.Refresh) -> None:
        self._hub.refresh(
            order.expires_at,
            user=order.user,
            session=order.session,
            client=order.client,
            realm=order.realm,
        )

    def _say(self, order: orders.Say) -> None:
        self._hub.message(order.data, user=order.user, session=order.session, client=order.client)
