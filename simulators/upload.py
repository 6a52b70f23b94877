"""The way of a journal to the server: in order, in a window, again whatever was not acknowledged.

1. Events are sent in the order of their numbers; what was written before the connection came up goes in batches
   (historical), what happens now goes one by one.
2. At most `WINDOW` events are under way. Acknowledgements move the window; without any for `PATIENCE_S` all that
   is under way is sent again. The server counts each event once.
"""

from collections.abc import Callable

from gate_bridge import wire
from simulators.crash import NOWHERE, CrashPoint
from simulators.journal import Journal

WINDOW = 2_000
PATIENCE_S = 5.0

Post = Callable[[wire.Leg, wire.Message], bool]


class Upload:
    """Feed it what happens (`connected`, `appended`, `acknowledged`, `wanted`, `tick`); it posts what is due."""

    def __init__(self, journal: Journal, post: Post, *, crash: CrashPoint = NOWHERE) -> None:
        self._journal = journal
        self._post = post
        self._crash = crash
        self._sent = journal.acknowledged
        self._past = journal.last_seq
        self._up = False
        self._moved_at = 0.0

    def connected(self, now: float) -> None:
        """A new connection: nothing is under way, and all there is so far is of the past."""
        self._up = True
        self._again(now)

    def disconnected(self) -> None:
        """Nothing can be sent."""
        self._up = False

    def appended(self, now: float) -> None:
        """There is a new event."""
        if self._sent == self._journal.acknowledged:
            self._moved_at = now
        self._pump()

    def acknowledged(self, up_to: int, now: float) -> None:
        """The server has all events up to this one."""
        if self._journal.acknowledge(up_to):
            self._moved_at = now
            self._sent = max(self._sent, self._journal.acknowledged)
        self._pump()

    def wanted(self, ranges: tuple[wire.Range, ...]) -> None:
        """The server misses these; what it has acknowledged itself is gone for ever, even where a copy is kept."""
        for first, last in ranges:
            start = max(first, self._journal.acknowledged + 1)
            for batch in wire.batches(self._journal.events(start, min(last, self._sent))):
                self._post("up/batch", batch)

    def tick(self, now: float) -> None:
        """Time has passed."""
        if self._up and self._sent > self._journal.acknowledged and now - self._moved_at > PATIENCE_S:
            self._again(now)
        # Where the connection was too full to take more, there may be room by now.
        self._pump()

    def _again(self, now: float) -> None:
        self._sent = self._journal.acknowledged
        self._past = self._journal.last_seq
        self._moved_at = now
        self._pump()

    def _pump(self) -> None:
        journal = self._journal
        while self._up and self._sent < min(journal.last_seq, journal.acknowledged + WINDOW):
            past = self._sent < self._past
            events = journal.events(self._sent + 1, self._past if past else journal.last_seq)
            if not events or not (self._batches(events) if past else self._singly(events)):
                return

    def _batches(self, events: list[wire.Event]) -> bool:
        return all(self._posted("up/batch", batch, batch.events[-1].seq) for batch in wire.batches(events))

    def _singly(self, events: list[wire.Event]) -> bool:
        return all(self._posted("up/evt", event, event.seq) for event in events)

    def _posted(self, leg: wire.Leg, message: wire.Message, last: int) -> bool:
        self._crash.reach("before_publish")
        if not self._post(leg, message):
            return False
        self._sent = last
        self._crash.reach("after_publish")
        return True
