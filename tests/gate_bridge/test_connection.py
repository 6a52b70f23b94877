"""One connection: what it delivers, what it refuses, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from gate_bridge import connection as connections
from gate_bridge.connection import Connection, NotPublished, Refused, Settings
from gate_bridge.inbox import Received
from tests.eventually import eventually
from tests.private_broker import PrivateBroker


@asynccontextmanager
async def opened(settings: Settings, delivered: list[Received]) -> AsyncIterator[Connection]:
    connection = Connection(settings, 1, delivered.append)
    await connection.open()
    try:
        yield connection
    finally:
        connection.close()


def following(broker: PrivateBroker, name: str = "reader") -> Settings:
    return Settings(url=broker.url, client_id=name, persistent=True, subscriptions=(("t", 1),))


def test_what_is_borrowed_from_paho_is_still_there():
    assert all(
        callable(getattr(paho.Client, name)) for name in ("_sock_recv", "_packet_queue", "_loop_rc_handle")
    )
    assert hasattr(paho.Client(paho.CallbackAPIVersion.VERSION2), "_out_packet")  # type: ignore[attr-defined]


async def test_a_burst_is_delivered_in_order_and_acknowledged_in_one_write(broker: PrivateBroker):
    delivered = list[Received]()
    async with opened(following(broker), delivered) as connection:
        for number in range(150):
            assert connection.post("t", b"%d" % number, 1, False) is not None
        await eventually(lambda: len(delivered) == 150)
        connection.acknowledge([message.number for message in delivered])
        # The broker answers in order: after this it has read the acks.
        await connection.publish("other", b"", 1, False)

        assert [message.payload for message in delivered] == [b"%d" % number for number in range(150)]
    delivered.clear()
    async with opened(following(broker), delivered) as connection:
        await connection.publish("t", b"new", 1, False)
        await eventually(lambda: delivered)

        assert [message.payload for message in delivered] == [b"new"]


async def test_a_paused_connection_delivers_nothing_until_resumed(broker: PrivateBroker):
    delivered = list[Received]()
    async with (
        opened(following(broker), delivered) as paused,
        opened(following(broker, "writer"), []) as writer,
    ):
        assert paused.pause()
        assert not paused.pause()
        await writer.publish("t", b"1", 1, False)
        assert delivered == []

        paused.resume()
        await eventually(lambda: [message.payload for message in delivered] == [b"1"])


async def test_a_lost_connection_says_why_and_fails_what_was_under_way(broker: PrivateBroker):
    async with opened(following(broker), []) as connection:
        assert broker.process is not None
        broker.process.send_signal(19)
        async with asyncio.TaskGroup() as group:

            async def publish() -> None:
                with pytest.raises(NotPublished, match="the connection was lost"):
                    await connection.publish("t", b"", 1, False)

            group.create_task(publish())
            await asyncio.sleep(0)
            broker.kill()

        assert connection.lost.result()
        assert connection.post("t", b"", 1, False) is None


async def test_a_connection_that_takes_too_much_waits_for_room(
    broker: PrivateBroker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connections, "MAX_UNACKNOWLEDGED", 1)
    async with opened(following(broker), []) as connection:
        assert connection.post("t", b"1", 1, False) is not None
        assert connection.post("t", b"2", 1, False) is None

        await asyncio.wait_for(connection.publish("t", b"3", 1, False), 5)


async def test_an_account_that_is_not_known_is_refused(tmp_path: Path):
    broker = PrivateBroker(tmp_path, "allow_anonymous false")
    await broker.start()
    with pytest.raises(Refused, match="the broker refused reader: Not authorized"):
        async with opened(following(broker), []):
            pass
    broker.kill()


async def test_a_broker_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "CONNECT_DEADLINE_S", 0.1)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = Connection(
        Settings(url=f"mqtt://127.0.0.1:{port}", client_id="reader"), 1, lambda message: None
    )
    async with server:
        with pytest.raises(TimeoutError):
            await connection.open()
        connection.close()
