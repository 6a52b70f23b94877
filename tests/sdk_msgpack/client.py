"""A client of the hub in MessagePack on two libraries, `msgpack` and `websockets`: an example to begin with.

docs/protocol.md tells what the messages mean. What this client leaves to its user: new tokens, recovery, reconnecting.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol


class Refused(Exception):
    """The hub refused a command; the arguments are code and message."""


class Ended(Exception):
    """The connection is over; the arguments are code and reason."""


class MessagePackClient:
    """Sends commands and waits for their replies; pushes are in the queue `pushes`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.pushes: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.pings = 0
        self._socket = socket
        self._ids = itertools.count(1)
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def ask(self, method: str, /, **request: Any) -> dict[str, Any]:
        """Send one command and return the result; payloads are bytes."""
        number = next(self._ids)
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(frame({"id": number, method: request}))
        answer = await reply
        if "error" in answer:
            raise Refused(answer["error"]["code"], answer["error"]["message"])
        result: dict[str, Any] = answer[method]
        return result

    async def read(self) -> None:
        """Take in what the hub sends, until the connection ends."""
        async for received in self._socket:
            assert isinstance(received, bytes)
            for message in messages(received):
                if "id" in message:
                    self._replies.pop(message["id"]).set_result(message)
                elif "push" in message:
                    self.pushes.put_nowait(message["push"])
                else:
                    self.pings += 1
                    await self._socket.send(frame({}))

    def end(self, _: object) -> None:
        """Tell all who wait for replies that none will come."""
        for reply in self._replies.values():
            reply.set_exception(Ended(self._socket.close_code, self._socket.close_reason))


@asynccontextmanager
async def connected(url: str, **request: Any) -> AsyncIterator[tuple[MessagePackClient, dict[str, Any]]]:
    """Connect until the block ends; gives the client and the result of `connect`."""
    async with connect(url, subprotocols=[Subprotocol("gatehouse-msgpack")], proxy=None) as socket:
        client = MessagePackClient(socket)
        reading = asyncio.create_task(client.read())
        reading.add_done_callback(client.end)
        try:
            yield client, await client.ask("connect", **request)
        finally:
            reading.cancel()


def frame(message: dict[str, Any]) -> bytes:
    """Put the length, a varint, in front of a message."""
    packed: bytes = msgpack.packb(message)
    length, prefix = len(packed), bytearray()
    while length > 127:
        prefix.append(length & 127 | 128)
        length >>= 7
    return bytes([*prefix, length]) + packed


def messages(frame: bytes) -> list[dict[str, Any]]:
    """Take the messages of a frame apart."""
    found, at = [], 0
    while at < len(frame):
        length = shift = 0
        while frame[at] > 127:
            length |= (frame[at] & 127) << shift
            at, shift = at + 1, shift + 7
        length |= frame[at] << shift
        found.append(msgpack.unpackb(frame[at + 1 : at + 1 + length]))
        at += 1 + length
    return found
