"""Those who follow one channel in step: seated by what they are sent, so that it is written once for a whole bench.

1. A bench holds up to `SEATS` followers of one manner, and remembers the number of the last delivery it was written.
2. What some bench was not written yet is owed, in order; the bench that waits longest stands first.
3. Whoever takes a seat has had all that came before, whoever leaves one learns what it has not been written.
"""

from collections.abc import Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from msgspec import Struct

from channels.broadcast import Broadcast
from channels.protocol.codec import Codec
from channels.recovery import Verdict
from channels.stream import Position, Publication

SEATS: Final = 1024
"""So many are written to before others get their turn."""

F = TypeVar("F")


class Manner(NamedTuple):
    """What makes two followers be sent the same bytes."""

    codec: Codec
    positioned: bool
    """Whether they are told of gaps, and spared what they have had."""
    delta: bool
    """Whether they read differences; only the positioned do."""
    join_leave: bool


class Owed(Struct, frozen=True):
    """A delivery that some bench has not been written yet."""

    broadcast: Broadcast
    verdict: Verdict
    """What it is to those who are positioned."""
    before: Position | None
    """Where the room stood when it came."""
    base: bytes | None
    """The payload of the publication before, where all who read differences have it."""

    def is_for(self, manner: Manner) -> bool:
        """Whether they are sent it, or told of the gap it shows."""
        if isinstance(self.broadcast.delivery, Publication):
            return self.verdict is not Verdict.SKIP or not manner.positioned
        return manner.join_leave


class GapFound(Exception):
    """The followers of a bench have missed something; each of them has to be told."""


class Bench(Generic[F]):
    """Followers that are written to together."""

    __slots__ = ("handles", "manner", "members", "written")

    def __init__(self, manner: Manner, written: int) -> None:
        self.manner = manner
        self.members: dict[F, int] = {}
        """Each with the handle by which the writer reaches it."""
        self.handles: list[int] | None = None
        """Those of all members in their order; made when it is needed, None after every change."""
        self.written = written
        """The number of the last delivery these were written."""

    def reach(self) -> list[int]:
        """Return the handles of all members."""
        if self.handles is None:
            self.handles = list(self.members.values())
        return self.handles


class Portion(NamedTuple, Generic[F]):
    """What to write now."""

    members: Sequence[F]
    handles: Sequence[int]
    """Of the members, in the same order."""
    codec: Codec
    messages: Sequence[bytes]
    done: Sequence[Owed]
    """Written to everybody in step by this."""


class Cohorts(Generic[F]):
    """All benches of a room."""

    __slots__ = ("_benches", "_made", "_newest", "_owed", "base")

    def __init__(self) -> None:
        self._benches: list[Bench[F]] = []
        """By `written`, lowest first."""
        self._owed: list[Owed] = []
        self._newest = 0
        """The number of the last of them."""
        self.base: bytes | None = None
        """The payload everybody who reads differences had last; None where it is not the same for all."""
        self._made: dict[tuple[Manner, int], list[bytes]] = {}
        """Messages by manner and last delivery written, until something new comes."""

    # Seats

    def __len__(self) -> int:
        return sum(len(bench.members) for bench in self._benches)

    @property
    def members(self) -> list[F]:
        """Everybody in step."""
        return [member for bench in self._benches for member in bench.members]

    @property
    def positioned(self) -> bool:
        """Whether somebody here is to be told of gaps."""
        return any(bench.manner.positioned for bench in self._benches)

    def seat(self, follower: F, manner: Manner, handle: int, base: bytes | None = None) -> None:
        """Give a seat to somebody who has had everything that came up to now, a payload ``base`` last."""
        if manner.delta and base != self.base:
            self.base = None if self._is_delta else base
        free = (bench for bench in reversed(self._benches) if self._is_free(bench, manner))
        bench = next(free, None)
        if bench is None:
            bench = Bench(manner, self._newest)
            self._benches.append(bench)
        bench.members[follower] = handle
        bench.handles = None

    def _is_free(self, bench: Bench[F], manner: Manner) -> bool:
        return bench.written == self._newest and bench.manner == manner and len(bench.members) < SEATS

    @property
    def _is_delta(self) -> bool:
        return any(bench.manner.delta for bench in self._benches)

    def bench_of(self, follower: F) -> Bench[F] | None:
        """Return where somebody sits."""
        for bench in self._benches:
            if follower in bench.members:
                return bench
        return None

    def unseat(self, follower: F, bench: Bench[F]) -> Sequence[Owed]:
        """Take a seat back; returns what its holder was not written."""
        owed = self._owed_to(bench)
        del bench.members[follower]
        bench.handles = None
        if not bench.members:
            self._benches.remove(bench)
            self._forget_written()
        return owed

    # Deliveries

    def add(self, broadcast: Broadcast, verdict: Verdict, before: Position | None) -> None:
        """Owe everybody whom it concerns a delivery."""
        delivery = broadcast.delivery
        owed = Owed(broadcast, verdict, before, self.base)
        if isinstance(delivery, Publication) and verdict is not Verdict.SKIP:
            # One outside the stream may have come before a newcomer did, who cannot read a difference to it.
            self.base = delivery.data if delivery.offset and self._is_delta else None
        if any(owed.is_for(bench.manner) for bench in self._benches):
            self._owed.append(owed)
            self._newest += 1
            self._made.clear()

    @property
    def due(self) -> Bench[F] | None:
        """The bench that waits longest."""
        if self._owed and self._benches[0].written < self._newest:
            return self._benches[0]
        return None

    def messages(self, bench: Bench[F]) -> list[bytes]:
        """Write what a bench is owed; raises GapFound, and Unwritable where its codec cannot carry it."""
        key = bench.manner, bench.written
        messages = self._made.get(key)
        if messages is None:
            messages = self._made[key] = self._write(bench)
        return messages

    def mark_written(self, bench: Bench[F]) -> Sequence[Owed]:
        """Take a bench's messages for written; returns what nobody is owed any more."""
        self._benches.remove(bench)
        bench.written = self._newest
        self._join(bench)
        return self._forget_written()

    def _join(self, bench: Bench[F]) -> None:
        """Put it with another one where both have room: those who come while something is owed begin new ones."""
        for other in self._benches:
            if self._is_free(other, bench.manner) and len(other.members) + len(bench.members) <= SEATS:
                self._benches.remove(other)
                bench.members.update(other.members)
                bench.handles = None
                break
        self._benches.append(bench)

    def _write(self, bench: Bench[F]) -> list[bytes]:
        manner, messages = bench.manner, []
        for owed in self._owed_to(bench):
            if not owed.is_for(manner):
                continue
            if owed.verdict is Verdict.GAP and manner.positioned:
                raise GapFound
            if manner.delta:
                messages.append(owed.broadcast.delta_message(manner.codec, owed.base))
            else:
                messages.append(owed.broadcast.message(manner.codec))
        return messages

    def _owed_to(self, bench: Bench[F]) -> Sequence[Owed]:
        number = self._newest - bench.written
        return self._owed[-number:] if number else ()

    def _forget_written(self) -> Sequence[Owed]:
        number = self._newest - self._benches[0].written if self._benches else 0
        done = self._owed[: len(self._owed) - number]
        if done:
            del self._owed[: len(done)]
            self._made.clear()
        return done
