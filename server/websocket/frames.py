"""WebSocket frames without I/O (RFC 6455): what clients send is taken apart, what they are sent is put together.

1. `messages` of a `Parser` gives whole messages and control frames in order; what breaks the rules raises `Violation`
   after everything that came before it.
2. Text is checked while it arrives: invalid UTF-8 is found at its first bad byte, also within an unfinished frame.
3. A message larger than the limit is refused by its header, before its payload is taken in.
"""

import codecs
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from websockets.speedups import apply_mask


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


NORMAL: Final = 1000
PROTOCOL_ERROR: Final = 1002
NO_CODE: Final = 1005  # never on the wire: a close frame without a code
INVALID_TEXT: Final = 1007
TOO_BIG: Final = 1009

LONGEST_CONTROL: Final = 125
LONGEST_REASON: Final = LONGEST_CONTROL - 2
SENT_BY_PEERS: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})
"""Close codes that may be on the wire."""

FIN: Final = 0x80
RESERVED: Final = 0x70
CONTROL: Final = 0x08
MASKED: Final = 0x80
TEXT_FRAME: Final = FIN | Opcode.TEXT
BINARY_FRAME: Final = FIN | Opcode.BINARY
OPCODES: Final = {int(opcode): opcode for opcode in Opcode}

_TEXT_HEADS: Final = tuple(bytes((TEXT_FRAME, size)) for size in range(126))
_BINARY_HEADS: Final = tuple(bytes((BINARY_FRAME, size)) for size in range(126))
_Utf8Decoder: Final = codecs.getincrementaldecoder("utf-8")

Received = tuple[Opcode, bytes]
"""A whole message (TEXT, BINARY) or a control frame (CLOSE, PING, PONG) with its payload."""


class Violation(Exception):
    """The peer breaks the rules: the connection is closed with the code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


# Out


def frame(message: bytes, binary: bool) -> bytes:
    """Make the server's frame of one message."""
    size = len(message)
    if size < 126:
        return (_BINARY_HEADS if binary else _TEXT_HEADS)[size] + message
    first = BINARY_FRAME if binary else TEXT_FRAME
    if size < 65536:
        return bytes((first, 126, size >> 8, size & 255)) + message
    return bytes((first, 127)) + size.to_bytes(8) + message


def control_frame(opcode: Opcode, payload: bytes = b"") -> bytes:
    """Make a ping or a pong; the payload is at most 125 bytes."""
    return bytes((FIN | opcode, len(payload))) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """Make a close frame; a reason that is too long is cut between characters."""
    if code == NO_CODE:
        return control_frame(Opcode.CLOSE)
    words = reason.encode()[:LONGEST_REASON].decode(errors="ignore").encode()
    return control_frame(Opcode.CLOSE, code.to_bytes(2) + words)


# In


def close_code(payload: bytes) -> int:
    """Return the code of a received close frame, `NO_CODE` where it has none; raises Violation."""
    if not payload:
        return NO_CODE
    code = int.from_bytes(payload[:2])
    if len(payload) == 1 or code not in SENT_BY_PEERS:
        raise Violation(PROTOCOL_ERROR, "this close code is not to be sent")
    if not is_text(payload[2:]):
        raise Violation(INVALID_TEXT, "the reason is not UTF-8")
    return code


def small_message(data: bytes, limit: int) -> bytes | None:
    """Return the payload where ``data`` is exactly one small text frame, as nearly all that clients send is.

    None where it is anything else, good or bad: that is for a `Parser`.
    """
    size = len(data) - 6
    if size < 0 or size > 125 or size > limit or data[0] != TEXT_FRAME or data[1] != MASKED | size:
        return None
    payload = apply_mask(data[6:], data[2:6])
    return payload if payload.isascii() or is_text(payload) else None


def is_text(payload: bytes) -> bool:
    """Whether it is valid UTF-8."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


class Parser:
    """Takes apart what one client sends. Feed it, then take its messages; both may stop and go on at any byte."""

    __slots__ = (
        "_decoder",
        "_expected",
        "_final",
        "_input",
        "_kind",
        "_limit",
        "_mask",
        "_message",
        "_opcode",
    )

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._input = bytearray()
        self._message = bytearray()
        """Of the message under way, as far as it has come."""
        self._kind: Opcode | None = None
        """TEXT or BINARY while a message is under way."""
        self._decoder: codecs.IncrementalDecoder | None = None
        """Of a text that has not come whole."""
        self._opcode: Opcode | None = None
        """Of the frame whose header was read."""
        self._final = False
        self._mask = b""
        self._expected = 0
        """Bytes of the frame's payload still to come."""

    @property
    def idle(self) -> bool:
        """Whether nothing is half received, so that a fresh parser does as well."""
        return not self._input and self._kind is None and self._opcode is None

    def feed(self, data: bytes) -> None:
        """Take in bytes."""
        self._input += data

    def messages(self) -> Iterator[Received]:
        """Give what is complete; raises Violation, after which nothing more is to be asked."""
        while True:
            if self._opcode is None and not self._read_header():
                return
            assert self._opcode is not None
            received = self._control() if self._opcode & CONTROL else self._data()
            if received is not None:
                yield received
            elif self._opcode is not None:
                return  # the rest of the frame is still to come

    def _read_header(self) -> bool:
        head = self._input
        if len(head) < 2:
            return False
        self._check_head(head[0], head[1])
        size, at = head[1] & 127, 2
        if size > LONGEST_CONTROL:
            at = 4 if size == 126 else 10
            size = int.from_bytes(head[2:at])
        if len(head) < at + 4:
            if len(head) >= at:
                self._check_size(head[0], size)
            return False
        self._check_size(head[0], size)
        self._opcode = OPCODES[head[0] & 0x0F]
        self._final = bool(head[0] & FIN)
        self._mask = bytes(head[at : at + 4])
        self._expected = size
        del head[: at + 4]
        if self._opcode in (Opcode.TEXT, Opcode.BINARY):
            self._kind = self._opcode
        return True

    def _check_head(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & RESERVED:
            raise Violation(PROTOCOL_ERROR, "a reserved bit is set")
        if opcode not in OPCODES:
            raise Violation(PROTOCOL_ERROR, "this opcode is reserved")
        if not second & MASKED:
            raise Violation(PROTOCOL_ERROR, "a client's frame must be masked")
        if opcode & CONTROL:
            if not first & FIN or second & 127 > LONGEST_CONTROL:
                raise Violation(PROTOCOL_ERROR, "a control frame is whole and small")
        elif (opcode == Opcode.CONTINUATION) != (self._kind is not None):
            raise Violation(PROTOCOL_ERROR, "fragments of a message follow each other")

    def _check_size(self, first: int, size: int) -> None:
        if not first & CONTROL and len(self._message) + size > self._limit:
            raise Violation(TOO_BIG, "message too big")

    def _control(self) -> Received | None:
        if len(self._input) < self._expected:
            return None
        opcode, payload = self._opcode, self._take_payload()
        assert opcode is not None
        self._opcode = None
        return opcode, payload

    def _data(self) -> Received | None:
        """Take in what has come of a data frame; return the message where that was its end."""
        part = self._take_payload()
        whole = self._final and not self._expected
        if self._kind is Opcode.TEXT:
            self._check_text(part, whole)
        if self._expected:
            self._message += part
            return None
        self._opcode = None
        if not self._final:
            self._message += part
            return None
        kind, message = self._kind, bytes(self._message) + part if self._message else part
        assert kind is not None
        self._kind = self._decoder = None
        self._message.clear()
        return kind, message

    def _check_text(self, part: bytes, whole: bool) -> None:
        if whole and self._decoder is None:
            if not (part.isascii() or is_text(part)):
                raise Violation(INVALID_TEXT, "the text is not UTF-8")
            return
        if self._decoder is None:
            self._decoder = _Utf8Decoder()
        try:
            self._decoder.decode(part, whole)
        except UnicodeDecodeError:
            raise Violation(INVALID_TEXT, "the text is not UTF-8") from None

    def _take_payload(self) -> bytes:
        """Take what has come of the frame's payload, unmasked."""
        size = min(len(self._input), self._expected)
        part = apply_mask(self._input[:size], self._mask)
        del self._input[:size]
        self._expected -= size
        turn = size % 4
        self._mask = self._mask[turn:] + self._mask[:turn]
        return part
