"""Clients that do not read, do not answer, ask too much at once or go away: each is bounded, and nobody else waits.

Proves: server/websocket/connection.py, server/websocket/line.py, server/websocket/work.py
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect

from channels.limits import Limits
from channels.memory import MemoryBroker
from server.websocket import line
from server.websocket.frames import Opcode, close_frame
from tests.eventually import eventually
from tests.hub_host import KEPT, Running, serving
from tests.server.test_upgrade import messages, request
from tests.server.websocket.test_connection import end_of, hear, talk
from tests.server.websocket.test_frames import sent

SMALL = 4096  # bytes of a socket's buffer, so that it is full soon


def said(*commands: dict[str, Any]) -> bytes:
    return sent(Opcode.TEXT, "\n".join(map(json.dumps, commands)).encode())


def joining(*channels: str) -> bytes:
    follows = [{"id": number, "subscribe": {"channel": name}} for number, name in enumerate(channels, 2)]
    return said({"id": 1, "connect": {"token": "anna"}}, *follows)


class Slow:
    """A client that reads when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def rest(self) -> list[Any]:
        """Read everything up to a message that says `end`, or to the close frame, whose payload comes last."""
        heard: list[Any] = []
        async with asyncio.timeout(15):
            while True:
                first, size = await self.reader.readexactly(2)
                if size > 125:
                    size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8))
                payload = await self.reader.readexactly(size)
                if first == 0x88:
                    return [*heard, payload]
                heard += [json.loads(text) for text in payload.split(b"\n") if text != b"{}"]
                if heard and heard[-1].get("rpc", {}).get("data") == "end":
                    return heard


@asynccontextmanager
async def slow(running: Running, *channels: str) -> AsyncIterator[Slow]:
    """Connect, follow channels, and read nothing more."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    small.setblocking(False)
    await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", running.port))
    reader, writer = await asyncio.open_connection(sock=small, limit=SMALL)
    try:
        writer.write(request() + joining(*channels))
        async with asyncio.timeout(10):
            await messages(reader, 1 + len(channels))
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        yield Slow(reader, writer)
    finally:
        writer.transport.abort()


async def publish(running: Running, channel: str, *numbers: int, size: int = 50_000) -> None:
    for number in numbers:
        data = json.dumps({"n": number, "pad": "x" * size}).encode()
        await running.hub.broker.publish(channel, data, history=KEPT if channel.startswith("feed") else None)
        await asyncio.sleep(0)  # the hub writes in a turn of its own


async def flood(running: Running, channel: str) -> int:
    """Publish until the client's line is full, and a hundred more; returns how many that were."""
    sent = 0
    while not running.hub.numbers.clogged:
        await publish(running, channel, sent)
        sent += 1
    await publish(running, channel, *range(sent, sent + 100))
    return sent + 100


async def pause(seconds: float) -> None:
    due = asyncio.get_running_loop().time() + seconds
    await eventually(lambda: asyncio.get_running_loop().time() > due)


def numbers_of(heard: list[Any], channel: str) -> list[int]:
    return [
        push["pub"]["data"]["n"]
        for one in heard
        if (push := one.get("push", {})).get("channel") == channel and "pub" in push
    ]


@pytest.mark.parametrize(("channel", "waiting"), [("latest", 1), ("oldest", 16)])
async def test_a_client_that_reads_again_finds_what_its_channels_kept(channel: str, waiting: int) -> None:
    limits = Limits(queued_publications=16)
    async with serving(MemoryBroker(), limits) as running, slow(running, channel, "feed:1") as client:
        count = await flood(running, channel)
        client.writer.write(said({"id": 9, "rpc": {"method": "echo", "data": "end"}}))
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        got = numbers_of(await client.rest(), channel)
        await eventually(lambda: running.hub.numbers.clogged == 0)
        assert got == sorted(set(got)), "in order, and once"
        assert got[-waiting:] == list(range(count - waiting, count)), "the newest are always there"
        assert got[-waiting - 1] < count - waiting - 1, "those before them are not"
        assert running.hub.numbers.dropped == {channel: count - len(got)}

        await publish(running, channel, 0, size=1)
        client.writer.write(said({"id": 10, "rpc": {"method": "echo", "data": "end"}}))
        assert numbers_of(await client.rest(), channel) == [0], "it is written to at once again"


async def test_a_client_that_falls_too_far_behind_is_sent_to_recover() -> None:
    limits = Limits(queued_bytes=300_000)
    async with serving(MemoryBroker(), limits) as running, slow(running, "feed:1") as client:
        await flood(running, "feed:1")
        await eventually(lambda: running.hub.numbers.closed.get(3008) == 1)
        assert running.hub.numbers.dropped["disconnect"] > 3
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        *heard, end = await client.rest()
        assert end == close_frame(3008, "slow")[2:]
        got = numbers_of(heard, "feed:1")
        assert got == list(range(len(got))), "what it was sent has no gap"
        client.writer.write(sent(Opcode.CLOSE, end))
        await eventually(lambda: running.hub.connections == 0)


async def test_a_client_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "CLOSE_S", 0.1)
    async with serving(MemoryBroker(), Limits(write_s=0.2)) as running, slow(running, "latest"):
        await flood(running, "latest")
        await eventually(lambda: running.hub.numbers.closed.get(3009) == 1)
        await eventually(lambda: running.hub.connections == 0)
        assert (running.hub.numbers.clogged, running.hub.channels) == (0, 0)


async def test_a_client_that_takes_a_little_now_and_then_is_waited_for() -> None:
    async with serving(MemoryBroker(), Limits(write_s=0.4)) as running, slow(running, "latest") as client:
        await flood(running, "latest")
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        clock = asyncio.get_running_loop().time
        begun = clock()
        while clock() - begun < 1.5 and running.hub.numbers.clogged:
            await client.reader.readexactly(20_000)
            await pause(0.1)
        assert running.hub.connections == 1


async def test_a_client_that_does_not_answer_a_close_frame_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line, "CLOSE_S", 0.1)
    async with serving(MemoryBroker()) as running, slow(running, "feed:1") as client:
        assert running.hub.disconnect(user="anna") == 1
        await eventually(lambda: running.hub.connections == 0)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert (await client.rest())[-1] == close_frame(3503, "force disconnect")[2:]
        assert await client.reader.read() == b""


async def test_a_client_that_sends_the_end_of_its_stream_and_reads_nothing_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line, "CLOSE_S", 0.1)
    async with serving(MemoryBroker(), Limits(write_s=60)) as running, slow(running, "latest") as client:
        await flood(running, "latest")
        client.writer.write_eof()
        await eventually(lambda: running.hub.connections == 0)


async def test_commands_wait_in_the_socket_when_too_many_have_come() -> None:
    """Also those of one frame: all are answered in the end, and in order."""
    limits = Limits(waiting_commands=4, concurrent_calls=2)
    async with serving(MemoryBroker(), limits) as running, connect(running.url, proxy=None) as client:
        await talk(client, {"id": 1, "connect": {"token": "anna"}})
        await hear(client)
        for first in range(2, 402, 40):
            history = {"channel": "#anna", "limit": 1}
            await talk(client, *({"id": number, "history": history} for number in range(first, first + 40)))
        assert [reply["id"] for reply in await hear(client, 400)] == list(range(2, 402))


async def test_the_call_after_too_many_waits_and_what_comes_behind_waits_with_it() -> None:
    limits = Limits(concurrent_calls=2, call_s=0.3)
    async with serving(MemoryBroker(), limits) as running, connect(running.url, proxy=None) as client:
        await talk(client, {"id": 1, "connect": {"token": "anna"}})
        await hear(client)
        calls = [{"id": number, "rpc": {"method": "slow"}} for number in (2, 3)]
        echo = {"id": 4, "rpc": {"method": "echo", "data": 1}}
        await talk(client, *calls, echo, {"id": 5, "history": {"channel": "#anna"}})
        heard = await hear(client, 4)
        # the first of the slow ones to end makes room, and the second may be a moment behind
        assert heard[0]["id"] in (2, 3)
        assert sorted(one["id"] for one in heard) == [2, 3, 4, 5]


async def test_calls_are_let_finish_when_the_client_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(MemoryBroker()) as running:
        begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def call(*_: Any) -> bytes:
            begun.set()
            await may_end.wait()
            ended.set()
            return b"1"

        monkeypatch.setattr(running.host, "call", call)
        async with connect(running.url, proxy=None) as client:
            await talk(client, {"id": 1, "connect": {"token": "anna"}}, {"id": 2, "rpc": {"method": "x"}})
            await begun.wait()
            assert running.hub.numbers.calls == 1
        await eventually(lambda: running.hub.connections == 0)
        may_end.set()
        await asyncio.wait_for(ended.wait(), 5)
        await eventually(lambda: running.hub.numbers.calls == 0)


async def test_what_was_under_way_ends_with_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the channel was about to be followed."""
    async with serving(MemoryBroker()) as running:
        asked = asyncio.Event()

        async def first(*_: Any) -> bytes | None:
            asked.set()
            await asyncio.Event().wait()
            return None

        monkeypatch.setattr(running.host, "first", first)
        async with connect(running.url, proxy=None) as client:
            await talk(
                client, {"id": 1, "connect": {"token": "anna"}}, {"id": 2, "subscribe": {"channel": "room:1"}}
            )
            await asked.wait()
        await eventually(lambda: (running.hub.connections, running.hub.channels) == (0, 0))


async def test_pings_may_be_frames() -> None:
    limits = Limits(ping_s=0.2, pong_s=0.2)
    url = "?cf_ws_frame_ping_pong=true"
    async with serving(MemoryBroker(), limits) as running, connect(running.url + url, proxy=None) as client:
        await talk(client, {"id": 1, "connect": {"token": "anna"}})
        [reply] = await hear(client)
        assert {"ping", "pong"}.isdisjoint(reply["connect"])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.2):
                raise AssertionError(await client.recv())  # the library answers pings, and shows no messages
        assert running.hub.connections == 1


async def test_a_frame_ping_that_is_not_answered_ends_the_connection() -> None:
    limits = Limits(ping_s=2, pong_s=0.1)
    async with serving(MemoryBroker(), limits) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(request(path="/connection/websocket?cf_ws_frame_ping_pong=true") + joining())
        await messages(reader, 1)
        async with asyncio.timeout(10):
            assert await reader.readexactly(2) == b"\x89\x00"
            assert (await reader.readexactly(4))[2:] == (3012).to_bytes(2)
        writer.close()


async def test_a_pong_that_is_a_frame_means_nothing_where_pings_are_messages() -> None:
    async with serving(MemoryBroker()) as running, connect(running.url, proxy=None) as client:
        await client.pong()
        await talk(client, {"id": 1, "connect": {"token": "anna"}}, {"id": 2, "connect": {}})
        assert await end_of(client) == (3501, "bad request")
