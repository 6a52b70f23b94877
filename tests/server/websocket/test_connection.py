"""The hub over real sockets, spoken to by the unmodified Python SDK and by a bare WebSocket client.

Proves: server/answers.py, server/websocket/line.py, server/websocket/shared.py, server/websocket/work.py
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from centrifuge import CentrifugeError, Client, ClientEventHandler, StreamPosition, SubscriptionEventHandler
from centrifuge.exceptions import ReplyError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from channels.limits import Limits
from channels.memory import MemoryBroker
from server.websocket.connection import close_reason
from tests.eventually import eventually
from tests.hub_host import KEPT, Running, serving


class Watcher(ClientEventHandler):
    """Remembers what the SDK reports of its connection and server-side subscriptions."""

    def __init__(self) -> None:
        self.closed: list[int] = []
        self.connecting: list[int] = []
        self.personal: list[Any] = []
        self.recovered: list[bool] = []

    async def on_disconnected(self, ctx: Any) -> None:
        self.closed.append(ctx.code)

    async def on_connecting(self, ctx: Any) -> None:
        self.connecting.append(ctx.code)

    async def on_publication(self, ctx: Any) -> None:
        self.personal.append(ctx.pub.data)

    async def on_subscribed(self, ctx: Any) -> None:
        self.recovered.append(ctx.recovered)


class Reader(SubscriptionEventHandler):
    """Remembers what one subscription brings."""

    def __init__(self) -> None:
        self.numbers: list[Any] = []
        self.subscribed: list[Any] = []
        self.ended: list[int] = []
        self.joined: list[str] = []
        self.left: list[str] = []

    async def on_subscribed(self, ctx: Any) -> None:
        self.subscribed.append(ctx)

    async def on_publication(self, ctx: Any) -> None:
        self.numbers.append(ctx.pub.data)

    async def on_unsubscribed(self, ctx: Any) -> None:
        self.ended.append(ctx.code)

    async def on_join(self, ctx: Any) -> None:
        self.joined.append(ctx.info.user)

    async def on_leave(self, ctx: Any) -> None:
        self.left.append(ctx.info.user)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with serving(MemoryBroker()) as running:
        yield running


@asynccontextmanager
async def client(running: Running, token: str = "anna") -> AsyncIterator[tuple[Client, Watcher]]:
    watcher = Watcher()
    sdk = Client(running.url, events=watcher, token=token, proxy=None, max_reconnect_delay=0.2)
    try:
        await sdk.connect()
        yield sdk, watcher
    finally:
        await sdk.disconnect()


async def test_the_sdk_connects_subscribes_and_hears_a_publication(running: Running) -> None:
    async with client(running) as (sdk, _):
        reader = Reader()
        subscription = sdk.new_subscription("feed:1", reader)
        await subscription.subscribe()
        await subscription.ready()
        await running.hub.broker.publish("feed:1", b'{"n": 1}', history=KEPT)
        await eventually(lambda: reader.numbers == [{"n": 1}])
        assert reader.subscribed[0].data == {"items": []}
        assert reader.subscribed[0].recoverable


async def test_a_returning_sdk_misses_nothing(running: Running) -> None:
    async with client(running) as (sdk, watcher):
        reader = Reader()
        subscription = sdk.new_subscription("feed:1", reader)
        await subscription.subscribe()
        await subscription.ready()
        for number in range(1, 31):
            await running.hub.broker.publish("feed:1", b"%d" % number, history=KEPT)
            await running.hub.broker.publish("#anna", b"%d" % number, history=KEPT)
            if number % 10 == 0:
                running.hub.disconnect(user="anna", code=3011)
        await eventually(lambda: reader.numbers == list(range(1, 31)))
        await eventually(lambda: watcher.personal == list(range(1, 31)))
        assert running.host.views == 2, "a recovered position asks for no first view"
        assert 3011 in watcher.connecting
        assert watcher.recovered[0] is False
        assert all(watcher.recovered[1:])


async def test_history_and_presence(running: Running) -> None:
    async with client(running) as (sdk, _), client(running, "boris") as (other, _):
        reader = Reader()
        subscription = sdk.new_subscription("room:1", reader)
        await subscription.subscribe()
        await subscription.ready()
        for number in range(1, 6):
            await running.hub.broker.publish("room:1", b"%d" % number, history=KEPT)
        past = await subscription.history(limit=2, since=StreamPosition(offset=2, epoch=""))
        newest = await subscription.history(limit=-1, reverse=True)
        assert [p.data for p in past.publications] == [3, 4]
        assert (past.offset, len(newest.publications)) == (5, 5)

        theirs = other.new_subscription("room:1", Reader())
        await theirs.subscribe()
        await theirs.ready()
        present = await subscription.presence()
        stats = await subscription.presence_stats()
        assert sorted(info.user for info in present.clients.values()) == ["anna", "boris"]
        assert {json.dumps(i.conn_info) for i in present.clients.values()} == {
            '{"name": "anna"}',
            '{"name": "boris"}',
        }
        assert (stats.num_clients, stats.num_users) == (2, 2)
        await eventually(lambda: reader.joined == ["anna", "boris"])
        await theirs.unsubscribe()
        await eventually(lambda: reader.left == ["boris"])

        async def alone() -> None:
            assert (await subscription.presence_stats()).num_clients == 1

        await eventually(alone)


async def test_who_is_gone_is_no_longer_present(running: Running) -> None:
    async with client(running) as (sdk, _):
        subscription = sdk.new_subscription("room:1", Reader())
        await subscription.subscribe()
        async with client(running, "boris") as (other, _):
            theirs = other.new_subscription("room:1", Reader())
            await theirs.subscribe()
            await theirs.ready()

        async def alone() -> None:
            assert (await subscription.presence_stats()).num_clients == 1

        await eventually(alone)


async def test_calls_are_answered_and_refused(running: Running) -> None:
    async with client(running) as (sdk, _):
        assert (await sdk.rpc("echo", {"a": [1, "é"]})).data == {"a": [1, "é"]}
        with pytest.raises(ReplyError) as refused:
            await sdk.rpc("refuse", {})
        assert refused.value.code == 409
        with pytest.raises(ReplyError) as unknown:
            await sdk.rpc("nothing", {})
        assert unknown.value.code == 104
        with pytest.raises(ReplyError) as broken:
            await sdk.rpc("break", {})
        assert broken.value.code == 100


async def test_calls_run_beside_each_other(running: Running) -> None:
    async with client(running) as (sdk, _):
        slow = [asyncio.create_task(sdk.rpc("slow", {}, timeout=0.5)) for _ in range(7)]
        assert (await sdk.rpc("echo", 1)).data == 1
        answers = await asyncio.gather(*slow, return_exceptions=True)
        assert all(isinstance(answer, CentrifugeError) for answer in answers)


async def test_the_personal_channel_is_followed_from_the_start(running: Running) -> None:
    async with client(running) as (_, watcher):
        await eventually(lambda: watcher.recovered == [False])
        await running.hub.broker.publish("#anna", b'{"hello": 1}', history=KEPT)
        await eventually(lambda: watcher.personal == [{"hello": 1}])


async def test_a_bad_token_ends_the_sdk_for_good(running: Running) -> None:
    async with client(running, "not ours!") as (_, watcher):
        await eventually(lambda: watcher.closed == [3500])


async def test_a_refused_channel_ends_the_subscription(running: Running) -> None:
    async with client(running) as (sdk, _):
        reader = Reader()
        await sdk.new_subscription("secret", reader).subscribe()
        await eventually(lambda: reader.ended == [103])


async def test_the_server_ends_a_subscription(running: Running) -> None:
    async with client(running) as (sdk, _):
        reader = Reader()
        subscription = sdk.new_subscription("feed:1", reader)
        await subscription.subscribe()
        await subscription.ready()
        assert running.hub.unsubscribe("feed:1", user="anna") == 1
        await eventually(lambda: reader.ended == [2000])
        assert running.hub.channels == 1, "only the personal channel is left"


async def test_the_server_ends_a_login(running: Running) -> None:
    async with client(running) as (_, watcher), client(running, "boris") as (_, other):
        await eventually(lambda: bool(watcher.recovered and other.recovered))
        assert running.hub.disconnect(session="login-anna") == 1
        await eventually(lambda: watcher.closed == [3503])
        assert other.closed == []


# Below the SDK


def upgrade(*headers: str, path: str = "/connection/websocket") -> bytes:
    """Make a request for an upgrade."""
    lines = [
        f"GET {path} HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade", *headers,
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


async def talk(socket: ClientConnection, *messages: Any) -> None:
    await socket.send("\n".join(json.dumps(message) for message in messages))


async def hear(socket: ClientConnection, count: int = 1) -> list[Any]:
    """Read until ``count`` messages that are no pings have come."""
    heard: list[Any] = []
    async with asyncio.timeout(5):
        while len(heard) < count:
            frame = await socket.recv()
            assert isinstance(frame, str)
            heard += [json.loads(line) for line in frame.split("\n") if line != "{}"]
    return heard


async def end_of(socket: ClientConnection) -> tuple[int, str]:
    """Read to the close frame."""
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionClosed):
            while True:
                await socket.recv()
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


async def test_connect_and_subscribes_in_one_frame_are_answered_in_order(running: Running) -> None:
    async with connect(running.url, proxy=None) as socket:
        subscribes = [{"id": n, "subscribe": {"channel": f"feed:{n}"}} for n in range(2, 12)]
        await talk(socket, {"id": 1, "connect": {"token": "anna"}}, *subscribes)
        assert [reply["id"] for reply in await hear(socket, 11)] == list(range(1, 12))


@pytest.mark.parametrize(
    "frame",
    ["", "\n", "null", "[]", "{", '{"id":1}', '{"id":-1,"connect":{}}', '{"id":1,"rpc":{}}', "{}", '{"connect":{}}',
     '{"id":1,"connect":{"token":1}}', '{"id":1,"connect":{"data":' + "[" * 30000 + "]" * 30000 + "}}", b"\xff\xfe"],
)  # fmt: skip
async def test_what_is_no_command_closes_with_3501(running: Running, frame: str | bytes) -> None:
    async with connect(running.url, proxy=None) as socket:
        await socket.send(frame)
        assert await end_of(socket) == (3501, "bad request")


async def test_a_frame_that_is_too_big_closes_with_1009(running: Running) -> None:
    async with connect(running.url, proxy=None) as socket:
        await socket.send("x" * 65537)
        assert (await end_of(socket))[0] == 1009


async def test_a_client_that_offers_an_empty_subprotocol_is_served(running: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(upgrade("Sec-WebSocket-Protocol: "))
    assert (await reader.readline()).startswith(b"HTTP/1.1 101")
    writer.close()
    await writer.wait_closed()


async def test_the_chosen_subprotocol_is_echoed(running: Running) -> None:
    async with connect(running.url, proxy=None, subprotocols=["centrifuge-json"]) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "centrifuge-json"


async def test_a_codec_that_is_not_served_ends_for_good(running: Running) -> None:
    async with connect(running.url, proxy=None) as plain:
        assert plain.subprotocol is None
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(upgrade("Sec-WebSocket-Protocol: mqtt"))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Protocol" not in head
    assert await reader.readexactly(4) == b"\x88\x14" + (3508).to_bytes(2)
    writer.close()
    await writer.wait_closed()


async def test_a_silent_client_is_closed_as_stale() -> None:
    async with (
        serving(MemoryBroker(), Limits(connect_s=0.05)) as running,
        connect(running.url, proxy=None) as socket,
    ):
        assert await end_of(socket) == (3502, "stale")


async def test_a_client_that_answers_no_ping_is_closed() -> None:
    limits = Limits(ping_s=0.1, pong_s=0.05)
    async with serving(MemoryBroker(), limits) as running, connect(running.url, proxy=None) as socket:
        await talk(socket, {"id": 1, "connect": {"token": "anna"}})
        assert await end_of(socket) == (3012, "no pong")


async def test_pings_come_on_a_busy_connection_too() -> None:
    async with (
        serving(MemoryBroker(), Limits(ping_s=0.1)) as running,
        connect(running.url, proxy=None) as socket,
    ):
        await talk(socket, {"id": 1, "connect": {"token": "anna"}})
        pings = 0
        async with asyncio.timeout(5):
            while pings < 3:
                frame = await socket.recv()
                assert isinstance(frame, str)
                if "{}" in frame.split("\n"):
                    pings += 1
                    await socket.send("{}")
                await running.hub.broker.publish("#anna", b"1", history=KEPT)


async def test_a_client_that_reads_nothing_is_closed_and_others_are_not_delayed() -> None:
    limits = Limits(write_s=0.2, queued_bytes=200_000)
    async with (
        serving(MemoryBroker(), limits) as running,
        connect(running.url, proxy=None, max_queue=1, close_timeout=0.1) as stuck,
        connect(running.url, proxy=None) as quick,
    ):
        for socket in (stuck, quick):
            subscribe = {"id": 2, "subscribe": {"channel": "feed:1"}}
            await talk(socket, {"id": 1, "connect": {"token": "anna"}}, subscribe)
            await hear(socket, 2)
        payload = b'"' + b"x" * 50_000 + b'"'
        for number in range(1, 201):
            await running.hub.broker.publish("feed:1", payload, history=KEPT)
            assert (await hear(quick))[0]["push"]["pub"]["offset"] == number
        await eventually(lambda: running.hub.connections == 1)


async def test_shutdown_closes_with_3001_and_takes_nobody_in(running: Running) -> None:
    async with connect(running.url, proxy=None) as socket:
        await talk(socket, {"id": 1, "connect": {"token": "anna"}})
        await hear(socket)
        await asyncio.gather(running.hub.shutdown(within_s=2), end_of(socket))
        assert (socket.close_code, socket.close_reason) == (3001, "shutdown")
        assert running.hub.connections == 0


async def test_nothing_is_left_after_connections_end(running: Running) -> None:
    for _ in range(20):
        async with connect(running.url, proxy=None) as socket:
            subscribes = [{"id": n, "subscribe": {"channel": f"room:{n}"}} for n in range(2, 30)]
            await talk(socket, {"id": 1, "connect": {"token": "anna"}}, *subscribes)
            await hear(socket, 3)
    await eventually(lambda: (running.hub.connections, running.hub.channels) == (0, 0))


def test_close_reasons_are_never_json_never_empty_never_long() -> None:
    for words in ("", "1", "null", '{"a":1}', "é" * 100, "shutdown"):
        reason = close_reason(words)
        assert 0 < len(reason.encode()) <= 123
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(reason)
