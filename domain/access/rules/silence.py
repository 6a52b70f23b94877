"""When a gate that says it is well is not: nobody passes though it should be busy, or it denies where its peers admit.

Counts are passages, all scaled to one window of five minutes. True is an alarm, False is none, and None is too little
to tell, which leaves things as they are: an alarm is not cleared by the night. A gate is compared with itself and with
its peers, the gates that lead into the same zone, so that what happens to all of them (closing time, a holiday, the end
of a rush, a follower of the log that lags) is no alarm of any.

1. More passages through a gate never make it silent; more through its peers never make it well.
2. Without peers nothing is said: an empty street is no fault of a gate.
"""

from collections.abc import Sequence
from typing import NamedTuple

BUSY = 10.0
"""So many passages are expected in a window before none is strange: by chance that happens once in 20,000 windows."""
STEADY_FROM = 20.0
"""So many passages were in the windows before, of the gate and of its peers, before a fall is strange."""
FALLEN, STEADY = 0.2, 0.8
MOST_DENIED, FEW_DENIED = 5.0, 2.5
"""How many times as often as its peers a gate denies, to be an alarm and to be none."""
LEAST_RATE = 0.02
"""Where peers deny hardly anybody, a gate is compared with this."""
LEAST_DENIED, LEAST_DECIDED, LEAST_OF_PEERS = 10, 10, 20


class Flow(NamedTuple):
    """How many passed: in the last window, per window of the time before, and as is usual at this hour of the week."""

    recent: float
    before: float
    usual: float


class Answers(NamedTuple):
    """How many were admitted and denied lately."""

    admitted: int
    denied: int

    @property
    def decided(self) -> int:
        """How many were decided on."""
        return self.admitted + self.denied

    @property
    def rate(self) -> float:
        """Which part was denied."""
        return self.denied / self.decided if self.decided else 0.0


def silent(own: Flow, peers: Sequence[Flow]) -> bool | None:
    """Tells whether the feed of a gate has fallen silent."""
    if _should_be_busy(own, peers) or _has_fallen(own, peers):
        return True
    return False if own.recent > 0 else None


def denying(own: Answers, peers: Answers) -> bool | None:
    """Tells whether a gate denies far more often than its peers, usually for a wrong clock or an old list."""
    if own.decided < LEAST_DECIDED or peers.decided < LEAST_OF_PEERS:
        return None
    usual = max(peers.rate, LEAST_RATE)
    if own.denied >= LEAST_DENIED and own.rate > MOST_DENIED * usual:
        return True
    return False if own.rate <= FEW_DENIED * usual else None


def usual(weeks: Sequence[float]) -> float:
    """Returns what is usual, of the counts of some weeks: what at least two of them reached; one alone is no habit."""
    return sorted(weeks, reverse=True)[1] if len(weeks) > 1 else 0.0


def _should_be_busy(own: Flow, peers: Sequence[Flow]) -> bool:
    """Nobody passes, where at this hour as many as do today would send somebody through this gate too."""
    ordinary = sum(peer.usual for peer in peers)
    if own.recent > 0 or ordinary <= 0:
        return False
    return own.usual * sum(peer.recent for peer in peers) / ordinary >= BUSY


def _has_fallen(own: Flow, peers: Sequence[Flow]) -> bool:
    """Hardly anybody passes any more, while as many as before pass through the peers."""
    before, recent = sum(peer.before for peer in peers), sum(peer.recent for peer in peers)
    enough = own.before >= STEADY_FROM and before >= STEADY_FROM
    return enough and own.recent < FALLEN * own.before and recent >= STEADY * before
