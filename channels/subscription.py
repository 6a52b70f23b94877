"""One channel followed by one connection.

1. OPENING holds live deliveries back; LIVE lets them pass or finds a gap; ENDED lets nothing pass.
2. It goes OPENING → LIVE → ENDED, or OPENING → ENDED, and never back.
3. A position is kept only where the follower is told of gaps. While a room hands deliveries out without asking, the
   room keeps it; it is set back here before the next delivery comes this way.
"""

from collections.abc import Iterable
from enum import Enum, auto
from math import inf

from channels.broadcast import Broadcast
from channels.host import Opening
from channels.recovery import Held, Verdict, judge
from channels.stream import Position, Publication


class Phase(Enum):
    """How far a subscription is."""

    OPENING = auto()
    LIVE = auto()
    ENDED = auto()


class Subscription:
    """Keep the order of one channel for one connection."""

    __slots__ = (
        "_held",
        "base",
        "channel",
        "delta",
        "expires",
        "join_leave",
        "joined",
        "opening",
        "phase",
        "position",
        "present",
        "server_side",
    )

    def __init__(
        self, channel: str, opening: Opening, *, server_side: bool = False, join_leave: bool = False
    ) -> None:
        self.channel = channel
        self.opening = opening
        self.server_side = server_side
        self.join_leave = opening.join_leave and (opening.push_join_leave or join_leave)
        """Whether this follower is sent who joins and leaves."""
        self.delta = False
        """Whether publications are written for somebody who reads differences."""
        self.base: bytes | None = None
        """The payload that the next one may be written as a difference to; kept by the room as the position is."""
        self.phase = Phase.OPENING
        self.position: Position | None = None
        """The newest publication they have; None where nobody looks for gaps."""
        self.present = False
        """Whether this follower is listed in the channel's presence, so that its end has to be told."""
        self.joined = False
        """Whether others were told of this follower."""
        self.expires = inf
        """When the right to follow runs out, by the session's clock and with the grace."""
        self._held: Held | None = None

    def admit(self, broadcast: Broadcast) -> Verdict:
        """Say what to do with a live delivery, and move on with it."""
        if self.phase is not Phase.LIVE:
            if self.phase is Phase.OPENING:
                self._hold().add(broadcast)
            return Verdict.SKIP
        delivery = broadcast.delivery
        if not isinstance(delivery, Publication):
            return Verdict.SEND if self.join_leave else Verdict.SKIP
        if self.position is None:
            return Verdict.SEND
        verdict = judge(self.position, delivery)
        if verdict is Verdict.SEND and delivery.offset:
            self.position = Position(delivery.offset, delivery.epoch)
        return verdict

    def doubt(self) -> None:
        """Remember that deliveries may have been lost while it was opening."""
        self._hold().incomplete = True

    def go_live(self) -> tuple[Iterable[Broadcast], bool]:
        """Begin to let deliveries pass; hand out those held back, and whether they are all there were."""
        self.phase = Phase.LIVE
        held, self._held = self._held, None
        return ((), True) if held is None else (held.release(), not held.incomplete)

    def end(self) -> None:
        """Let nothing pass any more."""
        self.phase = Phase.ENDED
        self._held = None

    def _hold(self) -> Held:
        if self._held is None:
            self._held = Held()
        return self._held
