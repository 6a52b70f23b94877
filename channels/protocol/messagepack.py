"""The protocol as MessagePack in Binary frames: members named as in JSON, payloads as `bin` whatever they hold.

It is an extension of ours, for clients that publish bytes and generate no code.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec
from msgspec import Raw

from channels.protocol.codec import Malformed
from channels.protocol.framing import prefixed, split
from channels.protocol.messages import EMPTY, Command, Message, Reply
from channels.protocol.payloads import carried

M = TypeVar("M", Command, Reply)


class MessagePackCodec:
    """Read and write Binary frames of MessagePack."""

    name = "msgpack"
    subprotocol = "gatehouse-msgpack"
    binary = True

    def __init__(self) -> None:
        self._commands = msgspec.msgpack.Decoder(Command)
        self._replies = msgspec.msgpack.Decoder(Reply)
        self._encoder = msgspec.msgpack.Encoder()

    def decode(self, frame: bytes) -> Sequence[Command]:
        """Read all commands of one frame."""
        return _read(frame, self._commands)

    def decode_replies(self, frame: bytes) -> Sequence[Reply]:
        """Read a server's frame; for clients of ours and tests."""
        return _read(frame, self._replies)

    def encode(self, reply: Reply) -> bytes:
        """Write one message after its length."""
        return self._written(reply)

    def encode_command(self, command: Command) -> bytes:
        """Write a client's message; for clients of ours and tests."""
        return self._written(command)

    def join(self, messages: Iterable[bytes]) -> bytes:
        """Put several messages into one frame."""
        return b"".join(messages)

    def _written(self, message: Message) -> bytes:
        return prefixed(self._encoder.encode(carried(message, self._packed)))

    def _packed(self, owner: Message, payload: Raw) -> Raw:
        return Raw(self._encoder.encode(bytes(payload)))


def _read(frame: bytes, decoder: msgspec.msgpack.Decoder[M]) -> list[M]:
    try:
        messages = [carried(decoder.decode(message), _unpacked) for message in split(frame)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed from error
    if not messages:
        raise Malformed
    return messages


def _unpacked(owner: Message, payload: Raw) -> Raw:
    data = msgspec.msgpack.decode(payload, type=bytes)
    return Raw(data) if data else EMPTY
