"""Where the bridge's time goes: the steps of ingestion one by one, in this process, without broker and load."""

import asyncio
import gc
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from bench.gates.load import Reporter
from bench.gates.place import Place, place
from bench.report import Goal, table
from domain.kernel import leases
from domain.kernel.caller import SERVICE
from domain.kernel.leases import Term
from gate_bridge import intake, packets, wire
from gate_bridge.calls import Asks, asks
from gate_bridge.inbox import Received
from server.process import Process

NO_PROPERTIES = b"\0"
BATCH = 500
WARM, COUNTED = 26, 20
"""Batches; after the first ones every guest has arrived once, and their hosts are told no more."""


class Steps:
    """Takes in batches, and notes what each step costs per event."""

    def __init__(self, ask: Asks) -> None:
        self._ask = ask
        self.spent: defaultdict[str, list[float]] = defaultdict(list)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.spent[name].append((time.process_time() - began) / BATCH)

    async def take_in(self, blob: bytes) -> None:
        """Take in what came from the socket at once."""
        with self._step("cut packets out of what the socket had"):
            whole, _ = packets.cut(blob)
            messages = [_received(packet) for packet in whole]
        with self._step("read the messages, check their hashes"):
            taken = intake.read(messages)
        with self._step("record them: everything up to the commit"):
            journals = await self._ask(SERVICE, "access.record", events=taken.events, poison=[])
        with self._step("acknowledge, to the broker and to the gates"):
            packets.pubacks(range(1, len(messages) + 1))
            for one in journals:
                wire.encode(wire.Acknowledgement(epoch=one.epoch.hex(), up_to=one.up_to, at_ms=1))


async def measure() -> dict[str, Goal]:
    """Measure and print the table; there are no goals of their own here."""
    async with place() as where, where.process() as process:
        blobs = _blobs(where)
        async with process.runtime.sessions.begin() as db:
            generation = await leases.acquire(db, "ingest/0", "bench", lasts=timedelta(hours=1))
        assert generation is not None
        ask = asks(process.runtime, under=Term("ingest/0", "bench", generation))
        gc.collect()
        gc.freeze()
        await _spent(process, ask, blobs[:WARM], published=True)
        quiet = await _spent(process, ask, blobs[WARM : WARM + COUNTED], published=False)
        shown = await _spent(process, ask, blobs[WARM + COUNTED :], published=True)
        gc.unfreeze()
    rows = [(name, f"{seconds * 1e6:.1f}") for name, seconds in quiet.items()]
    publishing = sum(shown.values()) - sum(quiet.values())
    rows.append(("render and publish what screens show, meanwhile", f"{publishing * 1e6:.1f}"))
    rows.append(("all", f"{sum(shown.values()) * 1e6:.1f}"))
    print(table((f"steps of ingestion, batches of {BATCH}", "CPU µs per event"), rows))
    return {}


async def _spent(process: Process, ask: Asks, blobs: list[bytes], *, published: bool) -> dict[str, float]:
    """Return what each step costs per event: the median of the batches, or the mean where much lies between them."""
    steps = Steps(ask)
    running = asyncio.create_task(process.run()) if published else None
    await asyncio.sleep(0)
    for blob in blobs:
        await steps.take_in(blob)
    if running is not None:
        running.cancel()
        await asyncio.wait([running])
    typical = statistics.mean if published else statistics.median
    return {name: typical(batches) for name, batches in steps.spent.items()}


def _blobs(where: Place) -> list[bytes]:
    reporter, gates = Reporter(where.plan), where.plan.reporting
    blobs = []
    for _ in range(WARM + 2 * COUNTED):
        blob = bytearray()
        for number in range(BATCH):
            place = number % len(gates)
            topic = wire.topic(gates[place].site_id, gates[place].gate_id, "up/evt")
            blob += packets.publish(topic, reporter.event(place), 1, False, number + 1, NO_PROPERTIES)
        blobs.append(bytes(blob))
    return blobs


def _received(packet: bytes) -> Received:
    topic, payload, qos, number, properties = packets.published(packet, five=True)
    return Received(topic, payload, qos, False, False, number, 1, properties)
