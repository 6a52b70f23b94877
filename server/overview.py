"""What all hubs do, as each of them sees it: every hub tells its numbers to the others, and remembers the last minutes.

1. A hub is present in one channel with its numbers, so what a hub knows of the others is one read; it says them anew
   every `EVERY_S`, and leaves when it ends. One that was killed is passed over once its word is too old.
2. Rates are differences between two reports of the same hub, so that hubs that come or go make no jump.
3. Where the broker is away a hub shows itself alone, and says that it is not complete.
"""

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Final

import msgspec
import structlog

from channels.broker import Broker, BrokerUnavailable
from channels.protocol.messages import ClientInfo, payload
from domain.kernel.hubs import HubSample, HubsView, HubTotals, HubView, LatencyBar
from server.hub_metrics import CODES
from server.hub_numbers import LATENCIES_S, HubNumbers, since, total

logger = structlog.get_logger(__name__)

CHANNEL: Final = "&numbers"
EVERY_S: Final = 2.0
KEPT_S: Final = 900.0
STALE_S: Final = 7.0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a hub says of itself."""

    uid: str
    name: str
    began: float
    at: float
    numbers: HubNumbers


class Pace(msgspec.Struct, frozen=True):
    """What a hub has counted in a span of time."""

    span_s: float
    change: HubNumbers


_reports = msgspec.json.Decoder(Report)


class Overview:
    """`domain.kernel.ports.HubsPort` for a process; `watch` says that it has a hub, `run` keeps the others informed."""

    def __init__(self, broker: Broker, *, wall: Callable[[], float] = time.time) -> None:
        self._broker = broker
        self._wall = wall
        self._look: Callable[[], HubNumbers] = HubNumbers
        self._samples: deque[HubSample] = deque(maxlen=int(KEPT_S / EVERY_S))
        self._bars: deque[list[int]] = deque(maxlen=int(KEPT_S / EVERY_S))
        self._reports: Mapping[str, Report] = {}
        self._paces: Mapping[str, Pace] = {}
        self._complete = False
        self.uid = secrets.token_hex(8)
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._began = wall()

    def watch(self, look: Callable[[], HubNumbers]) -> None:
        """Have the numbers of this process's hub looked at so."""
        self._look = look

    def seen(self) -> HubsView:
        """Return what was last seen of all hubs, and this one as it is now."""
        reports = {**self._reports, self.uid: self._report()}
        return HubsView(
            at=_moment(self._wall()),
            by=self.uid,
            complete=self._complete,
            every_s=EVERY_S,
            hubs=[self._view(one) for one in sorted(reports.values(), key=lambda one: (one.began, one.uid))],
            totals=self._totals(total(one.numbers for one in reports.values())),
            samples=list(self._samples),
        )

    async def hubs(self) -> list[Report]:
        """Ask the broker now which hubs there are, this one among them; raises BrokerUnavailable."""
        mine = self._report()
        present = await self._broker.presence(CHANNEL)
        others = [one for one in map(_read, present.values()) if one.uid != self.uid]
        return [mine, *(one for one in others if mine.at - one.at < STALE_S)]

    async def run(self) -> None:
        """Tell and look until cancelled."""
        try:
            while True:
                await self.beat()
                await asyncio.sleep(EVERY_S)
        finally:
            with contextlib.suppress(BrokerUnavailable, TimeoutError):
                async with asyncio.timeout(1):
                    await self._broker.leave(CHANNEL, self.uid)

    async def beat(self) -> None:
        """Tell the others once, and take a sample of all."""
        mine = self._report()
        reports = {self.uid: mine}
        try:
            await self._broker.arrive(CHANNEL, _card(mine))
            present = await self._broker.presence(CHANNEL)
            reports |= {one.uid: one for one in map(_read, present.values()) if mine.at - one.at < STALE_S}
            self._complete = True
        except BrokerUnavailable:
            self._complete = False
        self._take(reports)

    def _take(self, reports: Mapping[str, Report]) -> None:
        fresh = {
            uid: Pace(now.at - before.at, since(now.numbers, before.numbers))
            for uid, now in reports.items()
            if (before := self._reports.get(uid)) is not None and before.at < now.at
        }
        self._bars.append(total(pace.change for pace in fresh.values()).latencies)
        # Who has said nothing new between two looks goes on as before.
        self._paces = {uid: pace for uid, pace in {**self._paces, **fresh}.items() if uid in reports}
        self._reports = reports
        self._samples.append(self._sample())

    def _sample(self) -> HubSample:
        now = total(one.numbers for one in self._reports.values())
        latencies = total(pace.change for pace in self._paces.values()).latencies
        return HubSample(
            at=_moment(self._wall()),
            hubs=len(self._reports),
            connections=sum(now.connections.values()),
            subscriptions=now.subscriptions,
            clogged=now.clogged,
            publications_per_s=self._per_s(lambda change: change.publications),
            deliveries_per_s=self._per_s(lambda change: change.deliveries),
            commands_per_s=self._per_s(_commands),
            recovered_per_s=self._per_s(lambda change: change.recovered),
            unrecovered_per_s=self._per_s(lambda change: change.unrecovered),
            dropped_per_s=self._per_s(lambda change: sum(change.dropped.values())),
            p50_s=percentile(latencies, 0.5),
            p99_s=percentile(latencies, 0.99),
        )

    def _per_s(self, count: Callable[[HubNumbers], int]) -> float:
        return sum(count(pace.change) / pace.span_s for pace in self._paces.values())

    def _report(self) -> Report:
        numbers = deepcopy(self._look())  # the hub goes on counting in its own
        return Report(uid=self.uid, name=self.name, began=self._began, at=self._wall(), numbers=numbers)

    def _view(self, report: Report) -> HubView:
        numbers, pace = report.numbers, self._paces.get(report.uid)
        return HubView(
            uid=report.uid,
            name=report.name,
            since=_moment(report.began),
            draining=bool(numbers.draining),
            connections=sum(numbers.connections.values()),
            subscriptions=numbers.subscriptions,
            channels=numbers.channels,
            clogged=numbers.clogged,
            calls=numbers.calls,
            deliveries_per_s=pace.change.deliveries / pace.span_s if pace else 0.0,
        )

    def _totals(self, numbers: HubNumbers) -> HubTotals:
        bars = [sum(column) for column in zip(*self._bars, strict=True)] or HubNumbers().latencies
        return HubTotals(
            connections={codec: count for codec, count in numbers.connections.items() if count},
            closed={CODES.get(code, str(code)): count for code, count in sorted(numbers.closed.items())},
            commands=numbers.commands,
            dropped=numbers.dropped,
            refused=numbers.refused,
            publications=numbers.publications,
            deliveries=numbers.deliveries,
            recovered=numbers.recovered,
            unrecovered=numbers.unrecovered,
            signals=numbers.signals,
            unheard=numbers.unheard,
            outages=numbers.outages,
            resyncs=numbers.resyncs,
            failed_resyncs=numbers.failed_resyncs,
            latencies=[
                LatencyBar(up_to_s=bound, publications=count)
                for bound, count in zip((*LATENCIES_S, None), bars, strict=True)
            ],
        )


def percentile(latencies: list[int], part: float) -> float | None:
    """Return within which time this part of the publications was written, even within a bar; None where none was."""
    wanted = sum(latencies) * part
    if not wanted:
        return None
    low = 0.0
    for count, bound in zip(latencies, LATENCIES_S, strict=False):
        if count >= wanted:
            return low + (bound - low) * wanted / count
        wanted, low = wanted - count, bound
    return low


def _commands(numbers: HubNumbers) -> int:
    return sum(sum(outcomes.values()) for outcomes in numbers.commands.values())


def _card(report: Report) -> ClientInfo:
    return ClientInfo(user=report.name, client=report.uid, conn_info=payload(msgspec.json.encode(report)))


def _read(card: ClientInfo) -> Report:
    return _reports.decode(bytes(card.conn_info))


def _moment(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
