"""A link tells of itself, hears what is for it, and dies loudly when cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gate_bridge.client import Client, Settings
from simulators.link import Account, Link
from tests.eventually import eventually
from tests.private_broker import PrivateBroker


class Gate:
    """Writes down what its link tells."""

    def __init__(self, url: str, name: str = "7") -> None:
        self.heard = list[tuple[str, bytes]]()
        self.arrivals = 0
        self.link = Link(
            Account(broker=url, username=name, password="p"),
            ["dn/#"],
            will=lambda: ("state", b"gone"),
            arrived=self.arrive,
            heard=lambda topic, payload: self.heard.append((topic, payload)),
        )

    def arrive(self) -> None:
        self.arrivals += 1
        assert self.link.post("state", b"here", qos=1, retained=True)


@asynccontextmanager
async def running(gate: Gate) -> AsyncIterator[asyncio.Task[None]]:
    async with asyncio.TaskGroup() as group:
        life = group.create_task(gate.link.run())
        try:
            yield life
        finally:
            life.cancel()


@asynccontextmanager
async def watcher(url: str) -> AsyncIterator[Client]:
    client = Client(Settings(url=url, client_id="watcher", subscriptions=(("state", 1),)))
    async with asyncio.TaskGroup() as group:
        life = group.create_task(client.run())
        try:
            await client.wait_connected(5)
            yield client
        finally:
            life.cancel()


async def test_it_says_farewell_before_a_clean_end(broker: PrivateBroker):
    async with watcher(broker.url) as watch:
        gate = Gate(broker.url)
        async with running(gate):
            await eventually(gate.link.up.is_set)
            assert [message.payload for message in await watch.batch()] == [b"here"]
        assert [message.payload for message in await watch.batch()] == [b"gone"]


async def test_it_hears_what_is_for_it_and_comes_back_after_a_kill(broker: PrivateBroker):
    gate = Gate(broker.url)
    async with running(gate):
        await eventually(gate.link.up.is_set)
        broker.kill()
        await eventually(lambda: not gate.link.up.is_set())
        assert not gate.link.post("x", b"", qos=1)
        await broker.start()
        await eventually(lambda: gate.arrivals == 2)
        async with watcher(broker.url) as watch:
            await watch.publish("dn/dec", b"hello")
            await eventually(lambda: gate.heard == [("dn/dec", b"hello")])


async def test_the_broker_speaks_the_will_when_another_takes_the_name(broker: PrivateBroker):
    async with watcher(broker.url) as watch:
        first, second = Gate(broker.url), Gate(broker.url)
        async with running(first):
            await eventually(first.link.up.is_set)
            async with running(second):
                await eventually(second.link.up.is_set)
                said = list[bytes]()
                while b"gone" not in said:
                    said += [message.payload for message in await watch.batch(patience_s=5)]

        assert said[0] == b"here"


async def test_a_refused_account_is_reported(caplog: pytest.LogCaptureFixture, tmp_path_factory):
    broker = PrivateBroker(tmp_path_factory.mktemp("closed"), "allow_anonymous false")
    await broker.start()
    async with running(Gate(broker.url)):
        await eventually(lambda: "gate 7 has no link: refused: Not authorized" in caplog.text)
    broker.kill()
