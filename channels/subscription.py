"""One channel followed by one connection.

1. OPENING holds live deliveries back; LIVE lets them pass or finds a gap; ENDED lets nothing pass.
2. It goes OPENING → LIVE → ENDED, or OPENING → ENDED, and never back.
3. A position is kept only where the channel has a history.
"""

from enum import Enum, auto

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

    __slots__ = ("_held", "channel", "doubtful", "opening", "phase", "position", "present", "server_side")

    def __init__(self, channel: str, opening: Opening, *, server_side: bool = False) -> None:
        self.channel = channel
        self.opening = opening
        self.server_side = server_side
        self.phase = Phase.OPENING
        self.position: Position | None = None
        self.present = False
        """Whether others may see this follower, so that its end has to be told."""
        self.doubtful = False
        """Whether deliveries may have been lost while it was opening."""
        self._held = Held()

    def admit(self, broadcast: Broadcast) -> Verdict:
        """Say what to do with a live delivery, and move on with it."""
        if self.phase is not Phase.LIVE:
            self._hold(broadcast)
            return Verdict.SKIP
        delivery = broadcast.delivery
        if not isinstance(delivery, Publication):
            return Verdict.SEND if self.opening.join_leave else Verdict.SKIP
        if self.position is None:
            return Verdict.SEND
        verdict = judge(self.position, delivery)
        if verdict is Verdict.SEND and delivery.offset:
            self.position = Position(delivery.offset, delivery.epoch)
        return verdict

    def go_live(self) -> list[Broadcast]:
        """Begin to let deliveries pass, and hand out those held back until now."""
        self.phase = Phase.LIVE
        self.doubtful = self.doubtful or self._held.incomplete
        return list(self._held.release())

    def end(self) -> None:
        """Let nothing pass any more."""
        self.phase = Phase.ENDED
        self._held = Held(0)

    def _hold(self, broadcast: Broadcast) -> None:
        if self.phase is Phase.OPENING:
            self._held.add(broadcast)
