"""A gate's list: what the server signs of it is taken over and kept, and what is missing is asked for.

1. Only what the server signed counts, whoever sent it. A head not above the last one says nothing new.
2. A change is put on the lines that it follows, at once; whether all is as it should be tells the head.
3. Where something is missing, the gate asks for what changed since its lines, and where they do not come to what the
   head tells of, for the whole list. It asks again until it has it.
4. Revisions only grow: an old list that somebody plays back is not taken.
"""

import random
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain.access.rules import token
from domain.access.rules.listing import Listed
from domain.access.rules.orders import ALL_GATES, Purpose, is_signed
from gate_bridge import wire
from simulators.known import Known, line_of
from simulators.shelf import Shelf

PATIENCE_S = 5.0
"""Before asking again; up to twice as long, so that a hundred gates do not ask together."""
MOST_CHUNKS = 4_096
"""A list is at most 128 MiB; whoever says more is not believed."""

ListMessage = wire.ListHead | wire.ListDelta | wire.ListChunk
_PURPOSES: Mapping[type, Purpose] = {
    wire.ListHead: "list",
    wire.ListDelta: "list delta",
    wire.ListChunk: "list chunk",
}


class Lists:
    """One gate's list; feed it what comes, and post what `due` returns."""

    def __init__(self, site_id: int, shelf: Shelf, keys: Mapping[int, Ed25519PublicKey]) -> None:
        self._site_id = site_id
        self._shelf = shelf
        self._given = keys
        self.known: Known = shelf.load()
        self.keys: Mapping[int, Ed25519PublicKey] = keys
        """What passes are checked with: the keys that the gate was given, and those that the list tells of."""
        self._learn()
        self._broken = False
        """The lines are not what the head of their revision tells of."""
        self._ask_from: float | None = None
        self._chunks: tuple[tuple[int, int, int], int] = ((0, 0, 0), 0)
        """Which answer is coming, and how many of its chunks are there."""
        self._put: dict[int, Listed] = {}
        self._gone: set[int] = set()

    @property
    def revision(self) -> int:
        """The newest revision that the gate has, lines and head; 0 = none."""
        known = self.known
        return known.revision if known.is_whole else 0

    def take(self, message: ListMessage, payload: bytes) -> bool:
        """Takes over what the server says; returns whether the gate now has a revision that it had not."""
        before = self.revision
        key = self.keys.get(message.key_id)
        members: dict[str, Any] = msgspec.json.decode(payload)  # Any: members of a message
        purpose = _PURPOSES[type(message)]
        if key is None or not is_signed(purpose, self._site_id, ALL_GATES, members, key):
            return False
        match message:
            case wire.ListHead():
                self._begin(message)
            case wire.ListDelta():
                self._change(message)
            case wire.ListChunk():
                self._collect(message)
        return self.revision not in (0, before)

    def due(self, now: float) -> wire.ListGet | None:
        """Returns what to ask for at a moment of a clock that never steps; None = nothing yet."""
        known = self.known
        missing = known.head is not None and (known.revision < known.head.revision or self._broken)
        if not missing:
            self._ask_from = None
            return None
        if self._ask_from is not None and now < self._ask_from:
            return None
        self._ask_from = now + PATIENCE_S * random.uniform(1, 2)
        return wire.ListGet(since=0 if self._broken else known.revision)

    def _begin(self, head: wire.ListHead) -> None:
        if self.known.head is not None and head.revision <= self.known.head.revision:
            return
        self.known.begin(head)
        self._learn()
        self._shelf.keep_head(self.known)
        self._look()

    def _change(self, delta: wire.ListDelta) -> None:
        if not 0 < delta.since <= self.known.revision < delta.revision:
            return
        put = [line_of(line) for line in delta.put]
        self.known.change(put, delta.gone, delta.revision)
        self._shelf.keep_change(self.known, put, delta.gone)
        self._look()

    def _collect(self, chunk: wire.ListChunk) -> None:
        answer, there = self._chunks
        this = (chunk.revision, chunk.since, chunk.of)
        if chunk.number == 1 and chunk.of <= MOST_CHUNKS:
            answer, there = this, 0
            self._put, self._gone = {}, set()
        if this != answer or chunk.number != there + 1:
            return
        self._chunks = answer, there + 1
        self._put |= {line.pass_id: line_of(line) for line in chunk.put}
        self._gone |= set(chunk.gone)
        if chunk.number == chunk.of:
            self._chunks = ((0, 0, 0), 0)
            self._finish(chunk)

    def _finish(self, last: wire.ListChunk) -> None:
        put, gone, self._put, self._gone = self._put, self._gone, {}, set()
        known = self.known
        if last.revision < known.revision or (last.revision == known.revision and not self._broken):
            return
        if last.since == 0:
            known.replace(put.values(), last.revision)
            self._shelf.keep_all(known)
        elif last.since <= known.revision:
            known.change(put.values(), gone, last.revision)
            self._shelf.keep_change(known, put.values(), gone)
        self._ask_from = None  # what came meanwhile is asked for at once
        self._look()

    def _look(self) -> None:
        """Finds whether lines of the head's revision are what it tells of."""
        head = self.known.head
        self._broken = head is not None and self.known.revision == head.revision and not self.known.is_whole

    def _learn(self) -> None:
        if self.known.head is not None:
            told = self.known.head.public_keys
            self.keys = {int(one): token.public_key(text) for one, text in told.items()} | dict(self._given)
