"""Many sockets written to at once: everybody gets theirs and nobody gets another's, whoever comes, goes or is slow."""

import asyncio
import json
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from channels.memory import MemoryBroker
from channels.protocol.codecs import CODECS
from server.hub import writer
from server.hub.writer import framed
from server.uring import Ring, open_ring
from server.websocket.frames import Opcode
from tests.eventually import eventually
from tests.hub_host import KEPT, Running, serving

HANDSHAKE = (
    b"GET /connection/websocket HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture(params=["io_uring", "plain"])
def ring(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Ring | None:
    monkeypatch.setattr(writer, "WORTH_A_RING", 1)
    if request.param == "plain":
        return None
    opened = open_ring()
    if opened is None:
        pytest.skip("this kernel, or the container's rules, has no io_uring for us")
    return opened


class Client:
    """A client that follows one channel and reads frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, sending: asyncio.StreamWriter, channel: str) -> None:
        self.reader = reader
        self.sending = sending
        self.channel = channel
        self.received: list[int] = []
        self.code: int | None = None

    @classmethod
    async def follow(cls, running: Running, channel: str, user: str = "anna") -> "Client":
        reader, sending = await asyncio.open_connection("127.0.0.1", running.port, limit=1 << 24)
        commands = [
            {"id": 1, "connect": {"token": user}},
            {"id": 2, "subscribe": {"channel": channel}},
        ]
        text = "\n".join(map(json.dumps, commands)).encode()
        assert len(text) < 126
        sending.write(HANDSHAKE + bytes((0x81, 0x80 | len(text))) + bytes(4) + text)
        await reader.readuntil(b"\r\n\r\n")
        client = cls(reader, sending, channel)
        while client.code is None and await client.read() != 2:
            pass
        return client

    async def read(self) -> int:
        """Take one frame; returns the id of the last reply in it."""
        opcode, payload = await self._frame()
        assert self.code is None, "nothing comes after a close frame"
        if opcode == Opcode.CLOSE:
            self.code = int.from_bytes(payload[:2])
            self.sending.write(bytes((0x88, 0x80)) + bytes(4))
            return 0
        last = 0
        for line in payload.split(b"\n"):
            reply: dict[str, Any] = json.loads(line)
            push = reply.get("push", {})
            if "pub" in push:
                assert push["channel"] == self.channel, "another channel's"
                self.received.append(push["pub"]["data"]["number"])
            last = reply.get("id", 0) or last
        return last

    async def read_on(self) -> None:
        """Read to the end of the connection."""
        try:
            while True:
                await self.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.sending.close()

    async def _frame(self) -> tuple[int, bytes]:
        first, size = await self.reader.readexactly(2)
        assert first in (0x81, 0x88), "the frames are whole and in order"
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2))
        elif size == 127:
            size = int.from_bytes(await self.reader.readexactly(8))
        return first & 15, await self.reader.readexactly(size)

    def vanish(self) -> None:
        """Go without a word: the kernel answers what comes from now on with a reset."""
        if not self.sending.is_closing():
            raw = self.sending.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sending.transport.abort()


@asynccontextmanager
async def publishing(running: Running, channels: list[str]) -> AsyncIterator[None]:
    """Publish on all channels in every turn of the loop, numbered each by itself."""

    async def publish() -> None:
        number = 0
        while True:
            number += 1
            for channel in channels:
                await running.hub.broker.publish(channel, b'{"number": %d}' % number, history=KEPT)
            await asyncio.sleep(0)

    task = asyncio.create_task(publish())
    try:
        yield
    finally:
        task.cancel()


async def test_nobody_ever_gets_the_frame_of_another_channel(ring: Ring | None) -> None:
    """Sockets are closed and opened all the time, so that their numbers are soon another client's."""
    channels = [f"feed:{name}" for name in "abc"]
    chance = random.Random(7)
    async with serving(MemoryBroker(), ring=ring) as running, publishing(running, channels):

        async def live(lives: int) -> None:
            for _ in range(lives):
                client = await Client.follow(running, chance.choice(channels))
                reading = asyncio.create_task(client.read_on())
                await eventually(partial(has_read, client, reading, chance.randrange(3)))
                match chance.randrange(3):
                    case 0:
                        client.vanish()
                    case 1:
                        client.sending.close()
                    case _:
                        running.hub.disconnect(client=None, user="anna", spared=spared(running, chance))
                        client.sending.close()
                await reading
                first = client.received[0] if client.received else 0
                assert client.received == list(range(first, first + len(client.received)))

        await asyncio.gather(*(live(8) for _ in range(24)))
        await eventually(lambda: running.hub.connections == 0)
        assert running.hub.numbers.deliveries > 0
        assert running.hub.numbers.subscriptions == running.hub.channels == 0


def has_read(client: Client, reading: "asyncio.Task[None]", number: int) -> bool:
    return reading.done() or len(client.received) >= number


def spared(running: Running, chance: random.Random) -> set[str]:
    """Return all clients but one."""
    clients = [connection.session.client for connection in running.hub._registry]
    chance.shuffle(clients)
    return set(clients[1:])


async def test_a_slow_client_gets_everything_late_and_others_do_not_wait(ring: Ring | None) -> None:
    async with serving(MemoryBroker(), ring=ring) as running:
        slow, *others = [await Client.follow(running, "feed:a") for _ in range(5)]
        slow.sending.transport.pause_reading()  # type: ignore[attr-defined]  # it reads, too
        reading = [asyncio.create_task(client.read_on()) for client in others]
        published = 0

        async def publish(size: int, to: list[Client]) -> None:
            nonlocal published
            published += 1
            data = b'{"number": %d, "filling": "%s"}' % (published, b"x" * size)
            await running.hub.broker.publish("feed:a", data, history=KEPT)
            await eventually(lambda: all(client.received == list(range(1, published + 1)) for client in to))

        while not running.hub.numbers.clogged:
            await publish(100_000, others)
        for _ in range(5):
            await publish(10, others)
        assert slow.received == []
        slow.sending.transport.resume_reading()  # type: ignore[attr-defined]
        reading.append(asyncio.create_task(slow.read_on()))
        await publish(10, [slow, *others])
        await eventually(lambda: running.hub.numbers.clogged == 0)
        await publish(10, [slow, *others])
        running.hub.disconnect(user="anna")
        await asyncio.wait(reading)
        assert {client.code for client in (slow, *others)} == {3503}


async def test_what_came_before_an_end_is_written_before_it(ring: Ring | None) -> None:
    async with serving(MemoryBroker(), ring=ring) as running:
        clients = [await Client.follow(running, "feed:a") for _ in range(4)]
        await running.hub.broker.publish("feed:a", b'{"number": 1}', history=KEPT)
        await eventually(lambda: running.hub.numbers.deliveries)
        await running.hub.broker.publish("feed:a", b'{"number": 2}', history=KEPT)
        running.hub.disconnect(user="anna")
        await asyncio.gather(*(client.read_on() for client in clients))
        assert {(tuple(client.received), client.code) for client in clients} == {((1, 2), 3503)}


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_no_frame_grows_beyond_what_clients_take(codec: Any) -> None:
    small, large = [b"x" * 1000] * 10, [b"y" * 200_000] * 3
    assert framed(small, codec).count(b"x" * 1000) == 10
    assert len(framed(small, codec)) < 10 * 1002 + 14
    whole = framed(large, codec)
    assert whole.count(b"y" * 200_000) == 3
    first = 0x82 if codec.binary else 0x81
    sizes = []
    while whole:
        assert whole[:2] == bytes((first, 127))
        sizes.append(int.from_bytes(whole[2:10]))
        whole = whole[10 + sizes[-1] :]
    assert len(sizes) == 3
