"""What the hubs of a house tell of themselves: how many are connected, what goes through, how long it takes."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec


class HubView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One hub, as it said itself a moment ago."""

    uid: str
    name: str
    since: datetime
    draining: bool
    connections: int
    subscriptions: int
    channels: int
    clogged: int
    calls: int
    deliveries_per_s: float


class HubSample(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All hubs together at one moment, and what has happened per second since the sample before."""

    at: datetime
    hubs: int
    connections: int
    subscriptions: int
    clogged: int
    publications_per_s: float
    deliveries_per_s: float
    commands_per_s: float
    recovered_per_s: float
    unrecovered_per_s: float
    dropped_per_s: float
    p50_s: float | None
    """Half of the publications were written to followers within this time; None where there was none."""
    p99_s: float | None


class LatencyBar(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many publications took up to so long; None is longer than any other."""

    up_to_s: float | None
    publications: int


class HubTotals(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Counted since the hubs that run now have begun."""

    connections: Mapping[str, int]
    """Open now, by codec."""
    closed: Mapping[str, int]
    """By close code; `client` for those that ended by themselves, `application` for codes of our own."""
    commands: Mapping[str, Mapping[str, int]]
    """By method and outcome."""
    dropped: Mapping[str, int]
    """Publications not sent to slow clients, by policy."""
    refused: Mapping[str, int]
    """Handshakes, by reason."""
    publications: int
    deliveries: int
    recovered: int
    unrecovered: int
    signals: int
    unheard: int
    outages: int
    resyncs: int
    failed_resyncs: int
    latencies: Sequence[LatencyBar]


class HubsView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All hubs as one of them sees them."""

    at: datetime
    by: str
    """The uid of the hub that answers."""
    complete: bool
    """Whether the other hubs could be asked; if not, these are the numbers of the one that answers."""
    every_s: float
    hubs: Sequence[HubView]
    totals: HubTotals
    samples: Sequence[HubSample]
    """Oldest first."""
