"""Orders reach every hub, once, also one that was away for a moment.

Proves: server/control.py, server/orders.py
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest

from channels.broker import Broker, BrokerUnavailable, Listener
from channels.memory import MemoryBroker
from channels.redis import RedisBroker
from channels.stream import Delivery
from server import orders
from server.control import Control
from server.fanout import Hub
from server.orders import CONTROL
from tests.eventually import eventually
from tests.redis_fixtures import redis_server
from tests.redis_server import RedisServer

__all__ = ["redis_server"]


class Lossy(MemoryBroker):
    """A broker that loses deliveries while it is told to."""

    listener: Listener
    lossy = False

    def attach(self, listener: Listener) -> None:
        self.listener = listener
        super().attach(self)

    def deliver(self, channel: str, delivery: Delivery) -> None:
        if not self.lossy:
            self.listener.deliver(channel, delivery)

    def missed(self, channels: Collection[str] | None = None) -> None:
        self.listener.missed(channels)


class Ears:
    """What one process has heard of orders."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.heard: list[bytes] = []
        self.gaps = 0
        control.on(orders.Say, self._hear)
        control.on_gap(self._miss)

    def _hear(self, order: orders.Say) -> None:
        if order.data == b"defect":
            raise ZeroDivisionError("an order that cannot be carried out")
        self.heard.append(order.data)

    def _miss(self) -> None:
        self.gaps += 1


@asynccontextmanager
async def listening(broker: Broker) -> AsyncIterator[Ears]:
    control = Control(broker, Hub(broker))
    ears = Ears(control)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(broker.run()), tasks.create_task(control.run())]
        await eventually(lambda: _followed(broker))
        try:
            yield ears
        finally:
            for task in running:
                task.cancel()


async def _followed(broker: Broker) -> bool:
    return CONTROL in await broker.followed(CONTROL)


async def test_an_order_is_carried_out_in_every_process(redis_server: RedisServer):
    prefix = f"t{secrets.token_hex(4)}"
    one, other = [RedisBroker(redis_server.url, prefix=prefix) for _ in range(2)]
    try:
        async with listening(one) as here, listening(other) as there:
            await here.control.give(orders.Say(data=b"first"))
            await there.control.give(orders.Say(data=b"second"))
            await eventually(lambda: here.heard == there.heard == [b"first", b"second"])
    finally:
        await one.close()
        await other.close()


async def test_orders_are_read_back_after_redis_was_silent(redis_server: RedisServer):
    prefix = f"t{secrets.token_hex(4)}"
    broker, giver = [RedisBroker(redis_server.url, prefix=prefix) for _ in range(2)]
    try:
        async with listening(broker) as ears:
            redis_server.command("client", "kill", "type", "pubsub")
            for number in range(5):
                await orders.give(giver, orders.Say(data=b"%d" % number))
            await eventually(lambda: ears.heard == [b"%d" % number for number in range(5)])
            assert not ears.gaps
    finally:
        await broker.close()
        await giver.close()


async def test_without_redis_an_order_is_an_error(redis_server: RedisServer):
    broker = RedisBroker(redis_server.url, prefix=f"t{secrets.token_hex(4)}", timeout_s=0.5)
    redis_server.kill()
    try:
        with pytest.raises(BrokerUnavailable):
            await orders.give(broker, orders.Say(data=b"lost"))
    finally:
        redis_server.start()
        await broker.close()


async def test_what_was_missed_is_done_late_and_once():
    broker = Lossy()
    async with listening(broker) as ears:
        await ears.control.give(orders.Say(data=b"1"))
        broker.lossy = True
        await ears.control.give(orders.Say(data=b"2"))
        broker.lossy = False
        await ears.control.give(orders.Say(data=b"3"))
        await eventually(lambda: ears.heard == [b"1", b"2", b"3"])
        broker.listener.missed()
        await ears.control.give(orders.Say(data=b"4"))
        await eventually(lambda: len(ears.heard) == 4)
        assert ears.heard == [b"1", b"2", b"3", b"4"] and not ears.gaps


async def test_what_cannot_be_read_back_is_told():
    broker = Lossy()
    async with listening(broker) as ears:
        broker.lossy = True
        await ears.control.give(orders.Say(data=b"lost"))
        await broker.remove_history(CONTROL)
        broker.lossy = False
        broker.listener.missed([CONTROL])
        await eventually(lambda: ears.gaps == 1)
        await ears.control.give(orders.Say(data=b"next"))
        await eventually(lambda: ears.heard == [b"next"])


async def test_what_is_left_is_done_all_the_same():
    broker = Lossy()
    async with listening(broker) as ears:
        await ears.control.give(orders.Say(data=b"1"))
        broker.lossy = True
        broker.flush()
        await ears.control.give(orders.Say(data=b"2"))
        broker.lossy = False
        await ears.control.give(orders.Say(data=b"3"))
        await eventually(lambda: ears.heard == [b"1", b"2", b"3"])
        assert ears.gaps == 1


async def test_what_was_ordered_before_a_process_began_is_nothing_to_it():
    broker = MemoryBroker()
    await orders.give(broker, orders.Say(data=b"before"))
    async with listening(broker) as ears:
        await ears.control.give(orders.Say(data=b"after"))
        await eventually(lambda: ears.heard == [b"after"])


async def test_an_order_that_is_not_lasting_is_not_read_back():
    broker = Lossy()
    async with listening(broker) as ears:
        broker.lossy = True
        await ears.control.give(orders.Say(data=b"brief"), lasting=False)
        broker.lossy = False
        broker.listener.missed()
        await ears.control.give(orders.Say(data=b"next"), lasting=False)
        await eventually(lambda: ears.heard == [b"next"])


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x91\xa5Dance", orders.encode(orders.Say(data=b"defect"))])
async def test_an_order_that_fails_stops_nothing(data):
    broker = MemoryBroker()
    async with listening(broker) as ears:
        await broker.publish(CONTROL, data, history=orders.KEPT)
        await ears.control.give(orders.Say(data=b"next"))
        await eventually(lambda: ears.heard == [b"next"])
