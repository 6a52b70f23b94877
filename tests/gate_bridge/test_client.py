"""The client keeps its word to the broker through lost links, killed brokers and slow readers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gate_bridge.client import Client, Closed, NotPublished, Received, Settings
from gate_bridge.wire import NO_PROPERTIES, Properties
from gatehouse.embedded.accounts import Account
from gatehouse.embedded.broker import Broker
from tests.eventually import eventually
from tests.private_broker import PrivateBroker

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@asynccontextmanager
async def running(url: str, client_id: str, *filters: str, **options: Any) -> AsyncIterator[Client]:
    """A client that is connected, until the block ends."""
    client = Client(
        Settings(url=url, client_id=client_id, subscriptions=tuple((name, 1) for name in filters), **options)
    )
    async with asyncio.TaskGroup() as group:
        life = group.create_task(client.run())
        try:
            await client.wait_connected(5)
            yield client
        finally:
            life.cancel()


def payloads(messages: list[Received]) -> list[bytes]:
    return [message.payload for message in messages]


async def take(client: Client, count: int) -> list[Received]:
    """Exactly so many messages."""
    taken = list[Received]()
    async with asyncio.timeout(10):
        while len(taken) < count:
            taken += await client.batch(limit=count - len(taken))
    return taken


async def test_what_is_published_arrives_in_batches(broker: PrivateBroker):
    async with running(broker.url, "reader", "t/#") as reader, running(broker.url, "writer") as writer:
        for number in range(50):
            await writer.publish(f"t/{number}", b"%d" % number)

        taken = await take(reader, 50)

        assert [(message.topic, message.payload) for message in taken] == [
            (f"t/{number}", b"%d" % number) for number in range(50)
        ]


async def test_messages_can_be_read_one_by_one_until_the_client_ends(broker: PrivateBroker):
    async with running(broker.url, "reader", "t") as reader:
        await reader.publish("t", b"1")
        async for message in reader:
            assert message.payload == b"1"
            break

    assert [message async for message in reader] == []
    with pytest.raises(Closed):
        await reader.batch()


async def test_only_what_was_not_acknowledged_is_delivered_again(broker: PrivateBroker):
    async with running(broker.url, "ingest", "t", persistent=True) as first:
        for number in range(10):
            await first.publish("t", b"%d" % number)
        taken = await take(first, 10)
        first.ack(taken[:3] + taken[5:])
    # A taking over by the same name makes Mosquitto forget acks that it has not read yet.
    await eventually(lambda: "Client ingest disconnected" in broker.log())

    async with running(broker.url, "ingest", "t", persistent=True) as second:
        again = await take(second, 2)
        await second.publish("t", b"last")
        last = await take(second, 1)

    assert payloads(again + last) == [b"3", b"4", b"last"]
    assert all(message.duplicate for message in again)


async def test_a_persistent_client_misses_nothing_while_away(broker: PrivateBroker):
    async with running(broker.url, "ingest", "t", persistent=True):
        pass
    async with running(broker.url, "writer") as writer:
        await writer.publish("t", b"meanwhile")

    async with running(broker.url, "ingest", "t", persistent=True) as back:
        assert payloads(await take(back, 1)) == [b"meanwhile"]


async def test_a_clean_client_starts_afresh(broker: PrivateBroker):
    async with running(broker.url, "decide", "t") as decide:
        await decide.publish("t", b"stale")
        await take(decide, 1)

    async with running(broker.url, "decide", "t") as decide:
        await decide.publish("t", b"fresh")

        assert payloads(await take(decide, 1)) == [b"fresh"]


async def test_it_comes_back_after_the_broker_was_killed_and_acks_nothing_twice(broker: PrivateBroker):
    async with running(broker.url, "ingest", "t", persistent=True) as client:
        await client.publish("t", b"before")
        held = await take(client, 1)

        broker.kill()
        await eventually(lambda: not client.connected)
        with pytest.raises(NotPublished):
            await client.publish("t", b"into the void", deadline_s=0.05)
        assert not client.post("t", b"into the void")
        await broker.start()
        await client.wait_connected(10)

        client.ack(held)
        await client.publish("t", b"after")

        assert payloads(await take(client, 1)) == [b"after"]
        assert client.counts.stale_acks == 1


async def test_a_publication_waits_for_the_broker_within_its_deadline(broker: PrivateBroker):
    async with running(broker.url, "writer", "t") as client:
        broker.kill()
        await eventually(lambda: not client.connected)
        async with asyncio.TaskGroup() as group:
            group.create_task(client.publish("t", b"patient", deadline_s=10))
            await broker.start()

        assert payloads(await take(client, 1)) == [b"patient"]


async def test_nothing_of_a_lost_connection_is_sent_on_the_next(broker: PrivateBroker):
    async with (
        running(broker.url, "decide") as client,
        running(broker.url, "gate", "dec", persistent=True) as gate,
    ):
        # Stopped, the broker takes bytes but answers nothing.
        assert broker.process is not None
        broker.process.send_signal(19)
        with pytest.raises(NotPublished, match="within"):
            await client.publish("dec", b"open", deadline_s=0.05)
        broker.kill()
        await eventually(lambda: not client.connected and not gate.connected)
        await broker.start()
        await client.wait_connected(10)
        await gate.wait_connected(10)
        await client.publish("dec", b"next")

        assert payloads(await take(gate, 1)) == [b"next"]


async def test_a_full_inbox_stops_reading_and_loses_nothing(broker: PrivateBroker):
    async with (
        running(broker.url, "slow", "t", inbox=100, persistent=True) as slow,
        running(broker.url, "writer") as writer,
    ):
        sent = [b"%06d" % number + bytes(1000) for number in range(5000)]
        for payload in sent:
            if not writer.post("t", payload, qos=1):
                await writer.publish("t", payload, deadline_s=10)
        await eventually(lambda: slow.counts.pauses == 1)
        waiting = slow.counts.received

        taken = list[Received]()
        async with asyncio.timeout(20):
            while len(taken) < len(sent):
                batch = await slow.batch(limit=50)
                slow.ack(batch)
                taken += batch

        assert waiting == 100
        assert payloads(taken) == sent
        assert slow.counts.acknowledged == len(sent)


async def test_two_clients_of_one_name_do_not_duel_at_full_speed(broker: PrivateBroker):
    async with running(broker.url, "same") as first:
        second = Client(Settings(url=broker.url, client_id="same"))
        async with asyncio.TaskGroup() as group:
            life = group.create_task(second.run())
            await eventually(lambda: first.counts.connections >= 3 and second.counts.connections >= 2, 10)
            life.cancel()

        assert broker.log().count("already connected") < 12


async def test_a_refused_client_says_so_and_tries_again(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    broker = PrivateBroker(tmp_path, "allow_anonymous false")
    await broker.start()
    client = Client(Settings(url=broker.url, client_id="nobody"))
    async with asyncio.TaskGroup() as group:
        life = group.create_task(client.run())
        await eventually(lambda: caplog.text.count("nobody cannot reach the broker") >= 2)
        life.cancel()
    broker.kill()

    assert "Not authorized" in caplog.text or "not authorised" in caplog.text


async def test_where_the_broker_has_no_mqtt_5_the_older_one_is_spoken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    account = Account(username="svc", password="p", publish=("t",), subscribe=("t",))
    async with Broker.start(tmp_path, accounts=[account], kind="amqtt") as stand_in:
        url = f"mqtt://svc:p@{stand_in.host}:{stand_in.port}"
        async with running(url, "svc", "t") as client:
            await client.publish("t", b"1", properties=Properties(correlation=b"r1"))
            (taken,) = await take(client, 1)

    assert (taken.payload, taken.properties) == (b"1", NO_PROPERTIES)
    assert "svc speaks MQTT 3.1.1" in caplog.text


async def test_an_unreachable_broker_does_not_block_the_loop(caplog: pytest.LogCaptureFixture):
    client = Client(Settings(url="mqtt://127.0.0.1:1", client_id="lonely"))
    async with asyncio.TaskGroup() as group:
        life = group.create_task(client.run())
        await eventually(lambda: caplog.text.count("lonely cannot reach the broker") >= 2)
        life.cancel()

    assert not client.connected


async def test_a_lease_is_asserted_before_each_connection(broker: PrivateBroker):
    class LeaseLost(Exception):
        pass

    asked = 0

    async def lease() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise LeaseLost

    client = Client(Settings(url=broker.url, client_id="shard-0"), before_connect=lease)
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as group:
            group.create_task(client.run())
            await client.wait_connected(5)
            broker.kill()
            await asyncio.sleep(3600)

    assert caught.group_contains(LeaseLost)
