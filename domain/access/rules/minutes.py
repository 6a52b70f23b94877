"""Minutes: the events that a site received in one of them, as the leaves of a tree, and what was put beside them.

1. A leaf of the tree is gate (8 bytes) | epoch (8) | number (8) | received (8) | hash (32), numbers big-endian,
   `received` in microseconds of Unix time. It is made of what is kept for ever.
2. What the server put beside the events is one hash, SHA-256 of all of gate (8) | epoch (8) | number (8) | log id (8)
   | zone (8, 0 for none) | late (1).
3. Leaves and rows stand in the order of their bytes, so that any reader finds the same order.
"""

import struct
from collections.abc import Sequence
from hashlib import sha256

from domain.access.rules import merkle

MINUTE_US = 60_000_000
Site = tuple[int, int]
"""A site and a minute of Unix time."""
_HEAD = struct.Struct(">q").pack
_KEY = struct.Struct(">qQ").pack
_ROW = struct.Struct(">qqq?").pack
_ALL = 2**64 - 1


def key_leaf(gate_id: int, epoch: bytes, seq: int, received_us: int, event_hash: bytes) -> bytes:
    """Returns the leaf of an event by what is kept of it for ever."""
    return _HEAD(gate_id) + epoch + _KEY(seq, received_us & _ALL) + event_hash


def row_of(gate_id: int, epoch: bytes, seq: int, log_id: int, zone_id: int | None, late: bool) -> bytes:
    """Returns what the server put beside an event."""
    return _HEAD(gate_id) + epoch + _ROW(seq, log_id, zone_id or 0, late)


class Minute:
    """The leaves of one site in one minute, gathered in any order."""

    __slots__ = ("keys", "rows")

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.rows: list[bytes] = []

    @property
    def count(self) -> int:
        """How many events there were."""
        return len(self.ordered())

    def ordered(self) -> Sequence[bytes]:
        """Returns the leaves of the tree in their order, each once."""
        return sorted(set(self.keys))

    def roots(self) -> tuple[bytes, bytes]:
        """Returns the root of the tree, and the hash of what was put beside."""
        return merkle.root(self.ordered()), sha256(b"".join(sorted(self.rows))).digest()
