"""The protocol as JSON in Text frames: one message per line, payloads embedded as the publisher wrote them.

A payload is checked each time it is embedded: one that is not JSON by itself would break the message around it, or
write fields of its own into it. It costs half a microsecond, and a publication is written once for all its readers.
"""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw

from channels.protocol.codec import Malformed, Unwritable
from channels.protocol.messages import Command, DeltaPublication, Message, Reply
from channels.protocol.payloads import carried


class JsonCodec:
    """Read and write Text frames."""

    name = "json"
    subprotocol = "centrifuge-json"
    binary = False

    def __init__(self) -> None:
        self._commands = msgspec.json.Decoder(Command)
        self._replies = msgspec.json.Decoder(Reply)
        self._payloads = msgspec.json.Decoder(Raw)
        self._encoder = msgspec.json.Encoder()

    def decode(self, frame: bytes) -> Sequence[Command]:
        """Read all commands of one frame."""
        try:
            commands = self._commands.decode_lines(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed from error
        if not commands:
            raise Malformed
        return commands

    def decode_replies(self, frame: bytes) -> Sequence[Reply]:
        """Read a server's frame; for clients of ours and tests."""
        return self._replies.decode_lines(frame)

    def encode(self, reply: Reply) -> bytes:
        """Write one message on one line.

        A line feed in valid JSON is either escaped or white space between tokens; the latter would end the message.
        """
        return self._line(reply)

    def encode_command(self, command: Command) -> bytes:
        """Write a client's message; for clients of ours and tests."""
        return self._line(command)

    def join(self, messages: Iterable[bytes]) -> bytes:
        """Put several messages into one frame."""
        return b"\n".join(messages)

    def _line(self, message: Message) -> bytes:
        line = self._encoder.encode(carried(message, self._embedded))
        return line.replace(b"\n", b"") if b"\n" in line else line

    def _embedded(self, owner: Message, payload: Raw) -> Raw:
        data = bytes(payload)
        try:
            # The decoder passes over texts without reading them, so the encoding is looked at apart.
            text = data.decode()
            is_patch = isinstance(owner, DeltaPublication) and owner.delta
            if not is_patch:
                self._payloads.decode(data)
        except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
            raise Unwritable from error
        return Raw(self._encoder.encode(text)) if isinstance(owner, DeltaPublication) else payload
