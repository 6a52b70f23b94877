"""Patches from one payload to the next, in the format of Fossil's deltas that SDKs know as `fossil`.

A patch is the size of the new payload and a line feed; then copies (`<size>@<offset>,`) and inserts (`<size>:<bytes>`);
then a checksum of the new payload and `;`. Numbers have digits of six bits.

1. The patch between two texts in UTF-8 is itself such a text: inserts begin and end between characters.
2. The time to make one is bounded: above `LARGEST` none is made. What is the same at both ends is found by comparing
   halves; between them blocks are looked up, ever further apart while nothing is found. `bench/codecs.py` measures it.
"""

import struct
from collections.abc import Iterator
from typing import Final

BLOCK: Final = 16
"""So many bytes at least must be the same to be found."""

WORTH_COPYING: Final = 8
"""What is shorter takes as much room as a copy as it does as itself; in bytes."""

LARGEST: Final = 64 * 1024
"""Payloads of more bytes are sent whole: making a patch would hold up everything else for milliseconds."""

PATIENCE: Final = 6
"""After 2 to this many places in vain the search goes on one byte faster."""

_DIGITS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}


class Broken(ValueError):
    """The patch is none, or one for another payload."""


def patch(previous: bytes, current: bytes) -> bytes | None:
    """Return a patch where it is shorter than the payload it makes and none too large."""
    if max(len(previous), len(current)) > LARGEST:
        return None
    made = create(previous, current)
    return made if len(made) < len(current) else None


def create(previous: bytes, current: bytes) -> bytes:
    """Return the patch that makes ``current`` of ``previous``."""
    parts = [_number(len(current)), b"\n"]
    inserted = 0
    for offset, start, end in _copies(previous, current):
        if start > inserted:
            parts += _insert(current[inserted:start])
        parts += (_number(end - start), b"@", _number(offset), b",")
        inserted = end
    if inserted < len(current):
        parts += _insert(current[inserted:])
    parts += (_number(_checksum(current)), b";")
    return b"".join(parts)


def apply(previous: bytes, patch: bytes) -> bytes:
    """Return what the patch makes of ``previous``; raises Broken."""
    size, at = _read_number(patch, 0, b"\n")
    made = bytearray()
    while True:
        count, at = _read_number(patch, at, b"@:;")
        command = patch[at - 1]
        if command == ord(";"):
            break
        if command == ord("@"):
            offset, at = _read_number(patch, at, b",")
            part = previous[offset : offset + count]
        else:
            part, at = patch[at : at + count], at + count
        if len(part) < count or len(made) + count > size:
            raise Broken("it reaches beyond what there is")
        made += part
    if len(made) != size or _checksum(made) != count or at != len(patch):
        raise Broken("it is for another payload")
    return bytes(made)


# Finding what is the same

Copy = tuple[int, int, int]
"""An offset in the previous payload, and start and end in the current one."""


def _copies(previous: bytes, current: bytes) -> Iterator[Copy]:
    """Return what can be copied, in order and without overlap."""
    head = _same_ahead(previous, 0, current, 0)
    tail = _same_behind(previous, current, min(len(previous), len(current)) - head)
    before, after = len(previous) - tail, len(current) - tail
    between = _search(previous, current, head, after)
    for copy in ((0, 0, head), *between, (before, after, len(current))):
        offset, start, end = _between_characters(current, *copy)
        if end - start >= WORTH_COPYING:
            yield offset, start, end


def _search(previous: bytes, current: bytes, at: int, end: int) -> Iterator[Copy]:
    """Look places of the current middle up in the blocks of the previous payload."""
    if end - at < BLOCK:
        return
    blocks = {previous[place : place + BLOCK]: place for place in range(len(previous) - BLOCK, -1, -BLOCK)}
    done, in_vain = at, 0
    while at <= end - BLOCK:
        offset = blocks.get(current[at : at + BLOCK])
        if offset is None:
            in_vain += 1
            at += 1 + (in_vain >> PATIENCE)
            continue
        while at > done and offset > 0 and previous[offset - 1] == current[at - 1]:
            at, offset = at - 1, offset - 1
        done, in_vain = min(at + _same_ahead(previous, offset, current, at), end), 0
        yield offset, at, done
        at = done


def _same_ahead(one: bytes, one_at: int, other: bytes, other_at: int) -> int:
    """Return how many bytes are the same from here on, halving the part in which they may differ."""
    same, most = 0, min(len(one) - one_at, len(other) - other_at)
    while same < most:
        half = (same + most) // 2 + 1
        if one[one_at + same : one_at + half] == other[other_at + same : other_at + half]:
            same = half
        else:
            most = half - 1
    return same


def _same_behind(one: bytes, other: bytes, most: int) -> int:
    """Return how many bytes, at the most so many, are the same at the end."""
    same = 0
    while same < most:
        half = (same + most) // 2 + 1
        if one[len(one) - half : len(one) - same] == other[len(other) - half : len(other) - same]:
            same = half
        else:
            most = half - 1
    return same


def _between_characters(current: bytes, offset: int, start: int, end: int) -> Copy:
    """Shrink a copy so that a text is not cut within a character, whose further bytes are at most three."""
    for _ in range(3):
        if start < end and current[start] & 0xC0 == 0x80:
            offset, start = offset + 1, start + 1
        if start < end < len(current) and current[end] & 0xC0 == 0x80:
            end -= 1
    return offset, start, end


# The parts of a patch


def _insert(literal: bytes) -> tuple[bytes, bytes, bytes]:
    return _number(len(literal)), b":", literal


def _number(value: int) -> bytes:
    digits = bytearray()
    while True:
        digits.append(_DIGITS[value & 0x3F])
        value >>= 6
        if not value:
            digits.reverse()
            return bytes(digits)


def _read_number(patch: bytes, at: int, ends: bytes) -> tuple[int, int]:
    """Read digits up to one of ``ends``; returns the number and the place after that."""
    value = 0
    while at < len(patch):
        byte = patch[at]
        at += 1
        if byte in ends:
            return value, at
        digit = _VALUES.get(byte)
        if digit is None:
            break
        value = value << 6 | digit
    raise Broken("it is no patch")


def _checksum(data: bytes | bytearray) -> int:
    """Add up the data as big-endian numbers of 32 bits, the last filled up with zeros."""
    count = -(-len(data) // 4)
    words: tuple[int, ...] = struct.unpack(f">{count}I", data.ljust(4 * count, b"\0"))
    return sum(words) & 0xFFFFFFFF
