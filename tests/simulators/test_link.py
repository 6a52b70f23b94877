"""A link tells of itself, hears what is for it, and dies loudly when cut; on MQTT 5 and on 3.1.1."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from gate_bridge import wire
from gate_bridge.client import Client, Settings
from gatehouse.embedded.accounts import Account as BrokerAccount
from gatehouse.embedded.broker import Broker
from simulators import link as links
from simulators.link import Account, Heard, Link
from tests.eventually import eventually
from tests.private_broker import PrivateBroker

Version = Literal["5", "3.1.1"]
GATE_7 = BrokerAccount(username="7", password="p", publish=("state",), subscribe=("dn/#",))


@pytest.fixture(params=["5", "3.1.1"])
def version(request: pytest.FixtureRequest) -> Version:
    which: Version = request.param
    return which


class Gate:
    """Writes down what its link tells."""

    def __init__(self, url: str, name: str = "7", version: Version = "5") -> None:
        self.heard = list[Heard]()
        self.arrivals = 0
        self.link = Link(
            Account(broker=url, username=name, password="p", version=version),
            ["dn/#"],
            will=lambda: ("state", b"gone"),
            arrived=self.arrive,
            heard=self.heard.append,
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


async def test_it_says_farewell_before_a_clean_end(broker: PrivateBroker, version: Version):
    async with watcher(broker.url) as watch:
        gate = Gate(broker.url, version=version)
        async with running(gate):
            await eventually(gate.link.up.is_set)
            assert [message.payload for message in await watch.batch()] == [b"here"]
        assert [message.payload for message in await watch.batch()] == [b"gone"]


async def test_it_hears_what_is_for_it_and_comes_back_after_a_kill(broker: PrivateBroker, version: Version):
    gate = Gate(broker.url, version=version)
    async with running(gate):
        await eventually(gate.link.up.is_set)
        broker.kill()
        await eventually(lambda: not gate.link.up.is_set())
        assert not gate.link.post("x", b"", qos=1)
        await broker.start()
        await eventually(lambda: gate.arrivals == 2)
        async with watcher(broker.url) as watch:
            await watch.publish("dn/dec", b"hello", properties=wire.Properties(correlation=b"r1"))
            await eventually(lambda: gate.heard)

    correlation = b"r1" if version == "5" else b""
    assert gate.heard == [Heard(topic="dn/dec", payload=b"hello", correlation=correlation)]


async def test_what_was_there_before_it_came_is_marked(broker: PrivateBroker, version: Version):
    async with watcher(broker.url) as watch:
        await watch.publish("dn/cmd", b"open", retained=True)
    gate = Gate(broker.url, version=version)
    async with running(gate):
        await eventually(lambda: gate.heard)

    assert [message.retained for message in gate.heard] == [True]


async def test_what_a_message_has_beside_its_payload_arrives(broker: PrivateBroker):
    beside = wire.Properties(expires_s=2, response_topic="dn/dec", correlation=b"r1", historical=True)
    async with watcher(broker.url) as watch:
        gate = Gate(broker.url)
        async with running(gate):
            await eventually(gate.link.up.is_set)
            assert gate.link.post("state", b"asked", qos=1, properties=beside)
            heard = await watch.batch(limit=2, linger_s=5)

    assert [(message.payload, message.properties) for message in heard] == [
        (b"here", wire.NO_PROPERTIES),
        (b"asked", beside),
    ]


async def said_until(watch: Client, last: bytes, patience_s: float) -> list[bytes]:
    """What was published as the state, up to this word or to nothing for so long."""
    said = list[bytes]()
    while last not in said and (batch := await watch.batch(patience_s=patience_s)):
        said += [message.payload for message in batch]
    return said


async def test_a_cut_that_is_mended_within_the_wills_delay_is_no_end(
    broker: PrivateBroker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(links, "WILL_DELAY_S", 2)
    async with watcher(broker.url) as watch:
        gate = Gate(broker.url)
        async with running(gate) as life:
            await eventually(gate.link.up.is_set)
            cut(gate)
            await eventually(lambda: gate.arrivals == 2)
            assert await said_until(watch, b"gone", 4) == [b"here", b"here"]

            life.cancel()
            cut(gate)
        assert await said_until(watch, b"gone", 8) == [b"gone"]


async def test_without_mqtt_5_a_cut_is_an_end_at_once(broker: PrivateBroker):
    async with watcher(broker.url) as watch:
        gate = Gate(broker.url, version="3.1.1")
        async with running(gate):
            await eventually(gate.link.up.is_set)
            cut(gate)
            await eventually(lambda: gate.arrivals == 2)
            assert (await said_until(watch, b"gone", 5))[:2] == [b"here", b"gone"]


def cut(gate: Gate) -> None:
    """Ends the socket as a torn cable would: nobody says goodbye."""
    client = gate.link._paho
    assert client is not None
    connected: Any = client.socket()  # Any: paho's own type of it knows no shutdown
    connected.shutdown(socket.SHUT_RDWR)
    gate.link._paho = None


async def test_the_broker_speaks_the_will_when_another_takes_the_name(broker: PrivateBroker):
    async with watcher(broker.url) as watch:
        first, second = Gate(broker.url, version="3.1.1"), Gate(broker.url, version="3.1.1")
        async with running(first):
            await eventually(first.link.up.is_set)
            async with running(second):
                await eventually(second.link.up.is_set)
                said = await said_until(watch, b"gone", 5)

        assert said[0] == b"here" and b"gone" in said


async def test_it_speaks_the_older_version_where_the_broker_has_no_other(tmp_path: Path):
    async with Broker.start(tmp_path, accounts=[GATE_7], kind="amqtt") as broker:
        gate = Gate(broker.url)
        async with running(gate):
            await eventually(gate.link.up.is_set)
            assert not gate.link._five


async def test_a_refused_account_is_reported(caplog: pytest.LogCaptureFixture, tmp_path_factory):
    broker = PrivateBroker(tmp_path_factory.mktemp("closed"), "allow_anonymous false")
    await broker.start()
    async with running(Gate(broker.url)):
        await eventually(lambda: "gate 7 has no link: refused: Not authorized" in caplog.text)
    broker.kill()
