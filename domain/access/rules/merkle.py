"""One hash for many leaves, and the short way that leads from any of them to it (the tree of RFC 6962, section 2.1).

1. Leaves and nodes are hashed under different first bytes, so that no node passes for a leaf.
2. Where a level has an odd number of hashes the last one rises as it is. It is never doubled, so that no two lists of
   leaves have one root.
"""

from collections.abc import Sequence
from hashlib import sha256

from msgspec import Struct

LEAF = b"\0"
NODE = b"\1"


class Path(Struct, frozen=True, rename="camel"):
    """What leads from a leaf to the root: where the leaf stands, and the hashes beside the way, lowest first."""

    index: int
    count: int
    hashes: Sequence[bytes]


def leaf_hash(leaf: bytes) -> bytes:
    """Returns the hash of a leaf."""
    return sha256(LEAF + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Returns the hash of two neighbours."""
    return sha256(NODE + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Returns the hash that stands for these leaves in this order; for none of them that of nothing."""
    level = [sha256(LEAF + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        level = _above(level)
    return level[0] if level else sha256(b"").digest()


def path(leaves: Sequence[bytes], index: int) -> Path:
    """Returns the way from one of the leaves to their root.

    Raises:
        IndexError: There is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    level, place, beside = [leaf_hash(leaf) for leaf in leaves], index, []
    while len(level) > 1:
        if (neighbour := place ^ 1) < len(level):
            beside.append(level[neighbour])
        level, place = _above(level), place // 2
    return Path(index, len(leaves), beside)


def leads(leaf: bytes, way: Path, to: bytes) -> bool:
    """Returns whether a leaf stands where the way says, in the tree that has this root."""
    if not 0 <= way.index < way.count:
        return False
    reached, place, width, left = leaf_hash(leaf), way.index, way.count, list(way.hashes)
    while width > 1:
        if place ^ 1 < width:
            if not left:
                return False
            other = left.pop(0)
            reached = node_hash(other, reached) if place & 1 else node_hash(reached, other)
        place, width = place // 2, (width + 1) // 2
    return not left and reached == to


def _above(level: Sequence[bytes]) -> list[bytes]:
    pairs = iter(level)
    above = [sha256(NODE + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
    return [*above, level[-1]] if len(level) % 2 else above
