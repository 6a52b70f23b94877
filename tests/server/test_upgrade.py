"""The way in: whoever asks for the socket gets it or is told why not, however the request arrives."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from channels.memory import MemoryBroker
from server.upgrade import Entry
from server.websocket.frames import Opcode
from tests.eventually import eventually
from tests.hub_host import Running, serving
from tests.served import Served
from tests.server.websocket.test_frames import sent

CONNECT = sent(Opcode.TEXT, b'{"id":1,"connect":{"token":"anna"}}')
WHO = sent(Opcode.TEXT, b'{"id":2,"rpc":{"method":"who"}}')


def request(*headers: str, path: str = "/connection/websocket", without: str = "") -> bytes:
    lines = [
        f"GET {path} HTTP/1.1", "Host: hub.example.com", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "User-Agent: a test",
    ]  # fmt: skip
    kept = [line for line in lines if not without or not line.startswith(without)]
    return "\r\n".join([*kept, *headers, "", ""]).encode()


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def answer_to(port: int, *pieces: bytes) -> tuple[int, str, bytes]:
    """Send a request and read all of the answer to it: status, head, body."""
    async with line_to(port) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), body


async def messages(reader: asyncio.StreamReader, count: int) -> list[Any]:
    """Read so many messages of small frames, behind the head of the answer."""
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    heard: list[Any] = []
    while len(heard) < count:
        first, size = await reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await reader.readexactly(2))
        assert first == 0x81
        heard += [json.loads(line) for line in (await reader.readexactly(size)).split(b"\n")]
    return heard


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with serving(MemoryBroker()) as running:
        yield running


async def turns(port: int) -> None:
    """Wait until the server has read what was sent before: it answers somebody else."""
    await answer_to(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("behind", [len(CONNECT), len(CONNECT + WHO), len(CONNECT) + 9, 3])
async def test_what_comes_right_behind_the_request_is_not_lost(running: Running, behind: int) -> None:
    frames = CONNECT + WHO
    async with line_to(running.port) as (reader, writer):
        writer.write(request() + frames[:behind])
        await turns(running.port)
        writer.write(frames[behind:])
        connected, who = await messages(reader, 2)
        assert connected["connect"]["client"]
        assert who == {"id": 2, "rpc": {"data": {"address": "127.0.0.1", "agent": "a test"}}}


@pytest.mark.parametrize("cut", [1, 30, 150, len(request()) - 1, len(request())])
async def test_a_request_may_come_in_pieces(running: Running, cut: int) -> None:
    async with line_to(running.port) as (reader, writer):
        whole = request() + CONNECT
        writer.write(whole[:cut])
        await turns(running.port)
        writer.write(whole[cut:])
        assert (await messages(reader, 1))[0]["id"] == 1


async def test_a_socket_may_follow_other_requests_on_a_connection(running: Running) -> None:
    """As behind a proxy that keeps its connections."""
    async with line_to(running.port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\nNot Found")).startswith(b"HTTP/1.1 404 ")
        writer.write(request() + CONNECT)
        assert (await messages(reader, 1))[0]["id"] == 1


async def test_a_socket_that_is_asked_for_before_an_answer_came_is_not_opened(running: Running) -> None:
    async with line_to(running.port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + request() + CONNECT)
        assert b" 101 " not in await reader.read()
        assert running.hub.connections == 0


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (request(without="Sec-WebSocket-Version"), 426),
        (request("Sec-WebSocket-Version: 8", without="Sec-WebSocket-Version"), 426),
        (request(without="Sec-WebSocket-Key"), 400),
        (request("Origin: https://evil.example.org"), 403),
        (request(path="/elsewhere"), 403),
        (request(without="Upgrade"), 404),
        (request().replace(b"GET", b"POST", 1), 405),
        (request("no header at all"), 400),
    ],
)
async def test_what_cannot_be_let_in_is_told_why(running: Running, asked: bytes, status: int) -> None:
    if b"Upgrade: w" not in asked:
        asked = asked.replace(b"keep-alive, Upgrade", b"close")
    answer = await answer_to(running.port, asked)
    assert answer[0] == status
    assert running.hub.connections == 0


async def test_a_refusal_is_a_problem_document(running: Running) -> None:
    _, head, body = await answer_to(running.port, request("Origin: https://evil.example.org"))
    assert "application/problem+json" in head
    assert json.loads(body)["status"] == 403
    assert running.hub.numbers.refused == {"origin": 1}


async def test_who_asks_for_the_socket_as_for_a_page_is_told_to_upgrade(served: Served) -> None:
    answer = await served.http.get("/connection/websocket")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")


async def test_a_process_that_ends_lets_nobody_in(running: Running) -> None:
    running.hub.draining = True
    status, head, _ = await answer_to(running.port, request())
    assert (status, "retry-after: 1" in head.lower()) == (503, True)


async def test_not_more_are_let_in_than_may_be_open_at_once() -> None:
    async with serving(MemoryBroker(), entry=Entry(connections=2)) as running:
        async with line_to(running.port) as (first, one), line_to(running.port) as (second, other):
            for reader, writer in ((first, one), (second, other)):
                writer.write(request())
                await messages(reader, 0)
            assert (await answer_to(running.port, request()))[0] == 503
        await eventually(lambda: running.hub.connections == 0)
        async with line_to(running.port) as (reader, writer):
            writer.write(request())
            await messages(reader, 0)


async def test_not_more_are_let_in_than_may_come_in_a_second() -> None:
    async with serving(MemoryBroker(), entry=Entry(per_second=3)) as running:
        answers = [await answer_to(running.port, request() + sent(Opcode.CLOSE)) for _ in range(5)]
        assert [status for status, _, _ in answers[:3]] == [101] * 3
        assert 503 in [status for status, _, _ in answers[3:]]

        async def again() -> None:
            assert (await answer_to(running.port, request() + sent(Opcode.CLOSE)))[0] == 101

        await eventually(again)


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        ((), "203.0.113.7", "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.7", "203.0.113.7"),
        (("127.0.0.0/8", "10.0.0.0/8"), "198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        (("127.0.0.1",), "", "127.0.0.1"),
        (("10.0.0.0/8",), "203.0.113.7", "127.0.0.1"),
    ],
)
async def test_calls_know_the_clients_address_as_trusted_proxies_tell_it(
    trusted: tuple[str, ...], forwarded: str, address: str
) -> None:
    chain = [f"X-Forwarded-For: {forwarded}"] if forwarded else []
    async with (
        serving(MemoryBroker(), entry=Entry(trusted_proxies=trusted)) as running,
        line_to(running.port) as (reader, writer),
    ):
        writer.write(request(*chain) + CONNECT + WHO)
        assert (await messages(reader, 2))[1]["rpc"]["data"]["address"] == address


async def test_a_client_that_has_said_nothing_does_not_hold_up_the_end() -> None:
    async with serving(MemoryBroker()) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        await turns(running.port)
    async with asyncio.timeout(1):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
