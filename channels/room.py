"""One followed channel in this process: who follows it, where it stands, and who is still owed what; without I/O.

1. A follower is *in step* while it stands exactly where the room stands and takes what it is written: deliveries are
   judged once for all of these (`channels.cohorts`). All others are *stragglers*: each delivery goes through their own
   session.
2. Both ways come to the same: a follower sees, in order, what its own subscription would let pass.
3. While somebody is in step, its subscription's position stands still; it is set when it falls out.
"""

import logging
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from channels.broadcast import Broadcast
from channels.cohorts import Cohorts, GapFound, Manner, Portion
from channels.protocol.codec import Codec, Unwritable
from channels.recovery import Held, Verdict, judge
from channels.session import Session
from channels.stream import Position, Publication
from channels.subscription import Phase
from channels.transitions import State

logger = logging.getLogger(__name__)


class Follower(Protocol):
    """What a room knows of a connection."""

    session: Session
    codec: Codec
    clogged: bool
    """Whether its client does not take what is written."""

    def deliver(self, broadcast: Broadcast) -> None:
        """Have the session judge a delivery, and do what it wants; never waits."""


F = TypeVar("F", bound=Follower)


class Room(Generic[F]):
    """The followers of one channel.

    There are as many as channels, most with a single follower, who is no cohort: so little is allocated for that one.
    Only one who reads differences is in step alone, for stragglers are sent everything whole.
    """

    __slots__ = ("_cohorts", "_stragglers", "channel", "held", "position", "queued")

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.position: Position | None = None
        """The newest handed out, or where the first one in step stood; None while neither is known."""
        self.held: Held | None = None
        """Deliveries that wait until it is known what was missed."""
        self.queued = False
        """The writer's own note: whether the room waits for it."""
        self._stragglers: dict[F, bool] = {}
        """False for those who are being handed what they missed as they fell out."""
        self._cohorts: Cohorts[F] | None = None

    # Who follows

    def __len__(self) -> int:
        return len(self._stragglers) + (len(self._cohorts) if self._cohorts is not None else 0)

    def __contains__(self, follower: F) -> bool:
        return follower in self._stragglers or self.is_in_step(follower)

    def __iter__(self) -> Iterator[F]:
        """Go over all there were at the beginning."""
        return iter([*self._stragglers, *(self._cohorts.members if self._cohorts is not None else ())])

    @property
    def is_empty(self) -> bool:
        """Whether nobody follows."""
        return not self._stragglers and not self._cohorts

    @property
    def straggling(self) -> int:
        """How many judge by themselves."""
        return len(self._stragglers)

    def is_in_step(self, follower: F) -> bool:
        """Whether somebody is written to without being asked."""
        return self._cohorts is not None and self._cohorts.bench_of(follower) is not None

    def enter(self, follower: F) -> bool:
        """Let somebody follow; False where they do already."""
        if follower in self:
            return False
        self._stragglers[follower] = True
        return True

    def leave(self, follower: F) -> bool:
        """Let somebody follow no longer, whatever they are owed; False where they did not."""
        if self._stragglers.pop(follower, None) is not None:
            return True
        cohorts = self._cohorts
        bench = cohorts.bench_of(follower) if cohorts is not None else None
        if cohorts is None or bench is None:
            return False
        cohorts.unseat(follower, bench)
        return True

    # In step and out of it

    def settle(self, follower: F, handle: int) -> bool:
        """Take somebody into step where they stand right; ``handle`` is how the writer reaches them."""
        if not self._stragglers.get(follower) or follower.clogged or follower.session.state is State.CLOSED:
            return False
        subscription = follower.session.subscriptions.get(self.channel)
        if subscription is None or subscription.phase is not Phase.LIVE:
            return False
        if subscription.delta:
            if subscription.base is None:
                return False
        elif self._cohorts is None and len(self._stragglers) == 1:
            return False
        position = subscription.position
        if position is not None:
            if self.position is None:
                self.position = position
            elif position != self.position:
                return False
            subscription.position = self.position  # the same for all, so kept once
        manner = Manner(follower.codec, position is not None, subscription.delta, subscription.join_leave)
        del self._stragglers[follower]
        if self._cohorts is None:
            self._cohorts = Cohorts()
        self._cohorts.seat(follower, manner, handle, subscription.base)
        subscription.base = None
        return True

    def fall_out(self, follower: F) -> bool:
        """Take somebody out of step, and hand them what they were not written yet; False where they are not in it."""
        cohorts = self._cohorts
        bench = cohorts.bench_of(follower) if cohorts is not None else None
        if cohorts is None or bench is None:
            return False
        owed = cohorts.unseat(follower, bench)
        self._stragglers[follower] = False
        subscription = follower.session.subscriptions.get(self.channel)
        if subscription is not None and bench.manner.positioned:
            subscription.position = owed[0].before if owed else self.position
        if subscription is not None and bench.manner.delta:
            subscription.base = owed[0].base if owed else cohorts.base
        for one in owed:
            if follower in self._stragglers:
                _hand(follower, one.broadcast)
        if follower in self._stragglers:
            self._stragglers[follower] = True
        return True

    # Deliveries

    def take(self, broadcast: Broadcast, *, again: bool = False) -> bool:
        """Take a delivery; returns whether somebody in step is owed something.

        ``again`` says that it was read back from history: what the room has handed out already is only for those who
        stand further back.
        """
        delivery, before = broadcast.delivery, self.position
        verdict = Verdict.SEND
        if isinstance(delivery, Publication) and delivery.offset:
            if before is not None:
                verdict = judge(before, delivery)
            if verdict is not Verdict.SKIP:
                self.position = Position(delivery.offset, delivery.epoch)
        repeated = again and verdict is Verdict.SKIP
        cohorts = self._cohorts
        if cohorts is not None and not repeated:
            cohorts.add(broadcast, verdict, before)
        for follower in list(self._stragglers):
            if follower in self._stragglers and not (repeated and self._is_unpositioned(follower)):
                _hand(follower, broadcast)
        return cohorts is not None and cohorts.due is not None

    def portion(self) -> Portion[F] | None:
        """Return what to write next, by then taken for written; None where nobody is owed anything.

        Those who cannot be written to alike fall out of step: each session says what is wrong in its own words.
        """
        cohorts = self._cohorts
        if cohorts is None:
            return None
        while (bench := cohorts.due) is not None:
            try:
                messages = cohorts.messages(bench)
            except (GapFound, Unwritable):
                for follower in list(bench.members):
                    self.fall_out(follower)
                continue
            members, handles = list(bench.members), bench.reach()
            done = cohorts.mark_written(bench)
            if messages:
                return Portion(members, handles, bench.manner.codec, messages, done)
        return None

    @property
    def due(self) -> bool:
        """Whether somebody in step is owed something."""
        return self._cohorts is not None and self._cohorts.due is not None

    # Positions

    def lowest(self) -> Position | None:
        """Return where the hindmost of the positioned stands."""
        positions = [p for follower in self._stragglers if (p := self._stands(follower)) is not None]
        if self.position is not None and self._cohorts is not None and self._cohorts.positioned:
            positions.append(self.position)
        return min(positions, key=_offset) if positions else None

    def behind(self, position: Position) -> list[F]:
        """Return those who stand before ``position``."""
        stands = ((follower, self._stands(follower)) for follower in self._stragglers)
        return [follower for follower, at in stands if at is not None and at.offset < position.offset]

    def forget_position(self) -> None:
        """Stand nowhere, after all who are told of gaps were told that deliveries are lost for good."""
        if self._cohorts is None or not self._cohorts.positioned:
            self.position = None

    def _is_unpositioned(self, follower: F) -> bool:
        subscription = follower.session.subscriptions.get(self.channel)
        return subscription is not None and subscription.phase is Phase.LIVE and subscription.position is None

    def _stands(self, follower: F) -> Position | None:
        return follower.session.position(self.channel)


def _offset(position: Position) -> int:
    return position.offset


def _hand(follower: Follower, broadcast: Broadcast) -> None:
    try:
        follower.deliver(broadcast)
    except Exception:  # the edge: one connection's trouble must not keep others from a delivery
        logger.exception("a delivery of %r could not be handed to a connection", broadcast.channel)
