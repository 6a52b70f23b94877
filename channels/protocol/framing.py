"""Several messages in one Binary frame: each is preceded by its length, written as a varint.

A varint has seven bits of the number in each byte, the lowest first; the highest bit says that more follow.
"""

from collections.abc import Iterator

from channels.protocol.codec import Malformed

_MOST_BITS = 32


def prefixed(message: bytes) -> bytes:
    """Put the length in front of a message."""
    length = len(message)
    prefix = bytearray()
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + message


def split(frame: bytes) -> Iterator[bytes]:
    """Return the messages of a frame; raises Malformed where they do not fill it exactly."""
    position = 0
    while position < len(frame):
        length, position = _length(frame, position)
        if position + length > len(frame):
            raise Malformed
        yield frame[position : position + length]
        position += length


def _length(frame: bytes, position: int) -> tuple[int, int]:
    length = 0
    for shift in range(0, _MOST_BITS, 7):
        if position >= len(frame):
            break
        byte = frame[position]
        position += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return length, position
    raise Malformed
