"""The least of MQTT 3.1.1 that a load needs: packets, and a connection on the loop that does nothing else."""

import asyncio
from collections.abc import Callable, Iterator
from typing import cast

CONNACK, PUBLISH, PUBACK, SUBACK = 2, 3, 4, 9
PUBLISH_QOS1 = 0x32


def _field(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text


def _packet(first: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, digit = divmod(left, 128) if left > 127 else (0, left)
        if not left:
            length.append(digit)
            return bytes([first]) + bytes(length) + body
        length.append(digit | 0x80)


def connect(client_id: str, username: str, password: str) -> bytes:
    """Return the packet that opens a clean session."""
    names = b"".join(_field(text.encode()) for text in (client_id, username, password))
    return _packet(0x10, b"\x00\x04MQTT\x04\xc2\x00\x3c" + names)


def subscribe(topics: list[str]) -> bytes:
    """Return the packet that follows topics at QoS 1."""
    return _packet(0x82, b"\x00\x01" + b"".join(_field(topic.encode()) + b"\x01" for topic in topics))


def publish(topic: bytes, payload: bytes, number: int) -> bytes:
    """Return the packet of one message at QoS 1."""
    return _packet(PUBLISH_QOS1, _field(topic) + number.to_bytes(2, "big") + payload)


def puback(number: bytes) -> bytes:
    """Return the packet that acknowledges a message."""
    return b"\x40\x02" + number


def split(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take whole packets off the front of a buffer: the first byte and the body of each."""
    while len(buffer) >= 2:
        length, place, shift = 0, 1, 0
        while True:
            if place >= len(buffer):
                return
            digit = buffer[place]
            length |= (digit & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if not digit & 0x80:
                break
        if len(buffer) < place + length:
            return
        first, body = buffer[0], bytes(buffer[place : place + length])
        del buffer[: place + length]
        yield first, body


def message(first: int, body: bytes) -> tuple[bytes, bytes, bytes]:
    """Return topic, number (empty at QoS 0) and payload of a PUBLISH."""
    end = 2 + int.from_bytes(body[:2], "big")
    if first & 0x06:
        return body[2:end], body[end : end + 2], body[end + 2 :]
    return body[2:end], b"", body[end:]


class Link(asyncio.Protocol):
    """One gate's connection: acknowledges what it gets and hands the payload on."""

    def __init__(self, heard: Callable[[bytes, bytes], None]) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._heard = heard
        self._buffer = bytearray()
        self._number = 0
        self._transport: asyncio.Transport

    @classmethod
    async def open(
        cls, port: int, name: str, password: str, topics: list[str], heard: Callable[[bytes, bytes], None]
    ) -> "Link":
        loop = asyncio.get_running_loop()
        _, link = await loop.create_connection(lambda: cls(heard), "127.0.0.1", port)
        link._transport.write(connect(name, name, password) + subscribe(topics))
        async with asyncio.timeout(10):
            await link.ready
        return link

    def send(self, topic: bytes, payload: bytes) -> None:
        self._number = self._number % 65_535 + 1
        self._transport.write(publish(topic, payload, self._number))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionError("the broker closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        acks = b""
        for first, body in split(self._buffer):
            match first >> 4:
                case 3:
                    topic, number, payload = message(first, body)
                    acks += puback(number) if number else b""
                    self._heard(topic, payload)
                case 9:
                    self.ready.set_result(None)
                case 2 if body[1]:
                    self.ready.set_exception(ConnectionError(f"refused: {body[1]}"))
        if acks:
            self._transport.write(acks)
