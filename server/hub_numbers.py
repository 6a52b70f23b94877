"""What one hub counts about itself: plain numbers that hub and connections add to, and whoever likes reads.

1. Whoever counts only adds, and on the way of a publication once per publication or flush, never once per follower.
2. Every key comes from a closed set, so that no client can make the numbers grow.
3. The numbers of several hubs add up to the numbers of all, member by member.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct, field

from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.messages import Reply

LATENCIES_S: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""The upper bounds of the histogram of latency; what took longer is in one more place, the last."""
TOO_BIG: Final = 1009
BY_CLIENT: Final = 0
"""Stands among close codes for a connection that the client or the network ended."""
APPLICATION: Final = 4000
"""Stands among close codes for all that applications may choose."""
OK: Final = "ok"
_CODES: Final = frozenset({*map(int, DisconnectCode), TOO_BIG})
_OUTCOMES: Final = {int(code): code.name.lower() for code in ErrorCode}


class HubNumbers(Struct, kw_only=True):
    """Counters since the process began, and a few states of this moment."""

    connections: dict[str, int] = field(default_factory=dict)
    """Open now, by codec."""
    subscriptions: int = 0
    """Followed channels now, counted once per connection."""
    channels: int = 0
    """Followed by anybody here now."""
    clogged: int = 0
    """Connections whose client does not take what is written, now."""
    calls: int = 0
    """Procedures running now."""
    draining: int = 0
    """1 while the hub sends its clients to others."""

    publications: int = 0
    """Taken from the broker, joins and leaves with them."""
    deliveries: int = 0
    """Handed to connections: one publication for a thousand followers is a thousand."""
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCIES_S) + 1))
    """How many publications took how long from being published to being written, by `LATENCIES_S`.

    Two clocks are compared where another process has published; what seems to come before it was sent took no time.
    """
    latency_s: float = 0.0
    """All of these latencies together."""
    recovered: int = 0
    """Subscriptions that went on where they were."""
    unrecovered: int = 0
    """Subscriptions that asked for it and had to load anew."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Publications not sent to those who did not take them in time, by policy: disconnect, latest, oldest."""
    closed: dict[int, int] = field(default_factory=dict)
    """Ended connections by close code; `BY_CLIENT` and `APPLICATION` stand for more than one."""
    commands: dict[str, dict[str, int]] = field(default_factory=dict)
    """Commands by method and outcome: `ok`, a name of `ErrorCode`, or `application`."""
    refused: dict[str, int] = field(default_factory=dict)
    """Handshakes not accepted, by reason."""
    signals: int = 0
    """Ephemeral publications of clients."""
    unheard: int = 0
    """Messages that wanted no answer and were not carried out."""
    outages: int = 0
    """How often the broker may have lost deliveries."""
    resyncs: int = 0
    """Channels caught up afterwards."""
    failed_resyncs: int = 0
    """Attempts at it that failed and were made again."""

    def enter(self, codec: str) -> None:
        """Count a connection in."""
        self.connections[codec] = self.connections.get(codec, 0) + 1

    def depart(self, codec: str) -> None:
        """Count a connection out."""
        self.connections[codec] -= 1

    def close(self, code: int = BY_CLIENT) -> None:
        """Count an end by its close code."""
        known = code if code in _CODES else APPLICATION if 4000 <= code < 5000 else BY_CLIENT
        self.closed[known] = self.closed.get(known, 0) + 1

    def answer(self, method: str, reply: Reply) -> None:
        """Count a command by its reply, and the subscriptions that went on by it or could not."""
        self.command(method, reply.error.code if reply.error else None)
        if method == "subscribe" and reply.error is not None:
            self.unrecovered += reply.error.code == ErrorCode.UNRECOVERABLE_POSITION
        opened = (reply.subscribe,) if reply.connect is None else reply.connect.subs.values()
        for result in opened:
            if result is not None and result.was_recovering:
                self.recover(result.recovered)

    def command(self, method: str, error: int | None = None) -> None:
        """Count a command that was carried out, or refused with ``error``."""
        outcomes = self.commands.setdefault(method, {})
        outcome = OK if error is None else _OUTCOMES.get(error, "application")
        outcomes[outcome] = outcomes.get(outcome, 0) + 1

    def refuse(self, reason: str) -> None:
        """Count a handshake that was not accepted."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def drop(self, policy: str, publications: int = 1) -> None:
        """Count what a follower was not sent."""
        self.dropped[policy] = self.dropped.get(policy, 0) + publications

    def recover(self, succeeded: bool) -> None:
        """Count a subscription that asked to go on where it was."""
        if succeeded:
            self.recovered += 1
        else:
            self.unrecovered += 1

    def delivered(self, after_s: float) -> None:
        """Count how long a publication took; once for all its followers here."""
        after_s = max(0.0, after_s)
        self.latencies[bisect_left(LATENCIES_S, after_s)] += 1
        self.latency_s += after_s


def total(hubs: Iterable[HubNumbers]) -> HubNumbers:
    """Add up the numbers of several hubs."""
    found = HubNumbers()
    for hub in hubs:
        for name in HubNumbers.__struct_fields__:
            setattr(found, name, _sum(getattr(found, name), getattr(hub, name)))
    return found


def since(now: HubNumbers, before: HubNumbers) -> HubNumbers:
    """Return what one hub has counted between two looks; its states of the moment are of no use then."""
    return HubNumbers(
        **{name: _less(getattr(now, name), getattr(before, name)) for name in HubNumbers.__struct_fields__}
    )


def _less(now: Any, before: Any) -> Any:
    if isinstance(now, dict):
        return {key: _less(value, before[key]) if key in before else value for key, value in now.items()}
    if isinstance(now, list):
        return [_less(one, other) for one, other in zip(now, before, strict=True)]
    return now - before


def _sum(one: Any, other: Any) -> Any:  # Any: whatever a member is made of, down to its numbers
    if isinstance(one, dict):
        return {
            key: _sum(one[key], other[key]) if key in one and key in other else one.get(key, other.get(key))
            for key in {**one, **other}
        }
    if isinstance(one, list):
        return [_sum(mine, theirs) for mine, theirs in zip(one, other, strict=True)]
    return one + other
