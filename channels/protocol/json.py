"""The protocol as JSON in Text frames: one message per line, payloads embedded as the publisher wrote them."""

from collections.abc import Iterable, Sequence

import msgspec

from channels.protocol.codec import Malformed
from channels.protocol.codes import DisconnectCode
from channels.protocol.messages import Command, Reply


class JsonCodec:
    """Read and write Text frames."""

    name = "json"
    subprotocol = "centrifuge-json"
    binary = False

    def __init__(self) -> None:
        self._commands = msgspec.json.Decoder(Command)
        self._replies = msgspec.json.Decoder(Reply)
        self._encoder = msgspec.json.Encoder()

    def decode(self, frame: bytes) -> Sequence[Command]:
        """Read all commands of one frame."""
        try:
            commands = self._commands.decode_lines(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(DisconnectCode.BAD_REQUEST) from error
        if not commands:
            raise Malformed(DisconnectCode.BAD_REQUEST)
        return commands

    def decode_replies(self, frame: bytes) -> Sequence[Reply]:
        """Read a server's frame; for clients of ours and tests."""
        return self._replies.decode_lines(frame)

    def encode(self, reply: Reply) -> bytes:
        """Write one message on one line.

        A line feed in valid JSON is either escaped or white space between tokens; the latter would end the message.
        """
        message = self._encoder.encode(reply)
        return message.replace(b"\n", b"") if b"\n" in message else message

    def join(self, messages: Iterable[bytes]) -> bytes:
        """Put several messages into one frame."""
        return b"\n".join(messages)
