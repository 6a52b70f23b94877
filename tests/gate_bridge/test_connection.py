"""One connection: what it delivers, what it refuses, and how it ends; on MQTT 5 and on 3.1.1.

Proves: gate_bridge/connection.py, gate_bridge/settings.py, gate_bridge/trust.py
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from gate_bridge import connection as connections
from gate_bridge.connection import Connection
from gate_bridge.inbox import Received
from gate_bridge.settings import Outdated, Refused, Settings
from gate_bridge.under_way import NotPublished
from gate_bridge.wire import NO_PROPERTIES, Properties
from tests.eventually import eventually
from tests.private_broker import PrivateBroker


@asynccontextmanager
async def opened(
    settings: Settings, delivered: list[Received], *, five: bool = True
) -> AsyncIterator[Connection]:
    connection = Connection(settings, 1, delivered.append, five=five)
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


@pytest.mark.parametrize("five", [True, False])
async def test_a_burst_is_delivered_in_order_and_acknowledged_in_one_write(broker: PrivateBroker, five: bool):
    delivered = list[Received]()
    async with opened(following(broker), delivered, five=five) as connection:
        for number in range(150):
            assert connection.post("t", b"%d" % number, 1, False) is not None
        await eventually(lambda: len(delivered) == 150)
        connection.acknowledge([message.number for message in delivered])
        # The broker answers in order: after this it has read the acks.
        await connection.publish("other", b"", 1, False)

        assert [message.payload for message in delivered] == [b"%d" % number for number in range(150)]
    delivered.clear()
    async with opened(following(broker), delivered, five=five) as connection:
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


@pytest.mark.parametrize("five", [True, False])
async def test_an_account_that_is_not_known_is_refused(tmp_path: Path, five: bool):
    broker = PrivateBroker(tmp_path, "allow_anonymous false")
    await broker.start()
    with pytest.raises(Refused, match="the broker refused reader: Not authorized"):
        async with opened(following(broker), [], five=five):
            pass
    broker.kill()


async def test_a_message_brings_what_it_has_beside_its_payload(broker: PrivateBroker):
    beside = Properties(expires_s=60, response_topic="dec", correlation=b"\x00r1", historical=True)
    new, old = list[Received](), list[Received]()
    async with (
        opened(following(broker), new) as connection,
        opened(following(broker, "old"), old, five=False),
    ):
        await connection.publish("t", b"1", 1, False, beside)
        await connection.publish("t", b"2", 0, False)
        await eventually(lambda: len(new) == len(old) == 2)

    assert [(message.payload, message.properties) for message in new] == [
        (b"1", beside),
        (b"2", NO_PROPERTIES),
    ]
    assert [(message.payload, message.properties) for message in old] == [
        (b"1", NO_PROPERTIES),
        (b"2", NO_PROPERTIES),
    ]


async def test_a_message_that_expired_while_its_reader_was_away_is_not_delivered(broker: PrivateBroker):
    delivered = list[Received]()
    async with opened(following(broker), delivered):
        pass
    async with opened(following(broker, "writer"), []) as writer:
        await writer.publish("t", b"open", 1, False, Properties(expires_s=1))
        await writer.publish("t", b"event", 1, False)
        expired = asyncio.get_running_loop().time() + 2.1
        await eventually(lambda: asyncio.get_running_loop().time() > expired)
    async with opened(following(broker), delivered):
        await eventually(lambda: delivered)

    assert [message.payload for message in delivered] == [b"event"]


async def test_no_more_is_delivered_than_we_said_and_acknowledging_brings_the_rest(broker: PrivateBroker):
    delivered, count = list[Received](), 3 * connections.RECEIVE_MAXIMUM
    async with (
        opened(following(broker), delivered) as reader,
        opened(following(broker, "writer"), []) as writer,
    ):
        for number in range(count):
            if writer.post("t", b"%d" % number, 1, False) is None:
                await writer.publish("t", b"%d" % number, 1, False)
        await writer.publish("other", b"", 1, False)
        await eventually(lambda: len(delivered) >= connections.RECEIVE_MAXIMUM)
        held = len(delivered)
        acknowledged = 0
        while acknowledged < count:
            await eventually(lambda: len(delivered) > acknowledged)  # noqa: B023  # awaited at once
            fresh = delivered[acknowledged : acknowledged + 500]
            reader.acknowledge([message.number for message in fresh])
            acknowledged += len(fresh)

        assert held == connections.RECEIVE_MAXIMUM
        assert [message.payload for message in delivered] == [b"%d" % number for number in range(count)]


async def test_a_broker_that_takes_few_at_once_is_given_few(tmp_path: Path):
    broker = PrivateBroker(tmp_path, "allow_anonymous true", "max_inflight_messages 3")
    await broker.start()
    async with opened(following(broker), []) as connection:
        sent = [connection.post("t", b"", 1, False) for _ in range(4)]
    broker.kill()

    assert [number is None for number in sent] == [False, False, False, True]


async def test_a_publication_that_is_refused_says_why_and_one_nobody_follows_is_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "acl").write_text("topic readwrite t\ntopic write lonely\n")
    broker = PrivateBroker(tmp_path, "allow_anonymous true", f"acl_file {tmp_path / 'acl'}")
    await broker.start()
    async with opened(following(broker), []) as connection:
        await connection.publish("lonely", b"", 1, False)
        with pytest.raises(NotPublished, match="elsewhere: the broker refused it: not authorized"):
            await connection.publish("elsewhere", b"", 1, False)
        for _ in range(3):
            assert connection.post("elsewhere", b"", 1, False) is not None
        await connection.publish("t", b"", 1, False)
    broker.kill()

    assert caplog.text.count("reader: the broker refuses messages: not authorized") == 1


async def test_a_broker_without_mqtt_5_says_so():
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x20\x02\x00\x01")
        writer.close()

    server = await asyncio.start_server(old, "127.0.0.1", 0)
    url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        with pytest.raises(Outdated):
            async with opened(Settings(url=url, client_id="reader"), []):
                pass


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
