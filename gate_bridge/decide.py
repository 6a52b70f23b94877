"""From a scan to an answer, as fast as one query allows; how it was reached is written down afterwards.

Its connection starts clean each time: a scan that was not answered at once is asked again by the gate or decided
there, and a stale one must never open anything.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass

from domain.access.operations.decisions import Decision
from domain.access.rules.reasons import Reason
from domain.kernel.caller import SERVICE, Caller
from gate_bridge import wire
from gate_bridge.calls import Asks
from gate_bridge.client import Client, Received, Settings
from gate_bridge.intake import poisoned

logger = logging.getLogger(__name__)

SUBSCRIPTIONS = ((wire.every("up/scan"), wire.QOS["up/scan"]),)
AT_ONCE = 32
"""Scans under way at the same time; further ones wait in the bounded inbox."""
REMEMBERED, REMEMBERED_S = 10_000, 60.0
TRACES, TRACE_LINGER_S = 2_000, 0.05


def settings(url: str, *, client_id: str, ca_file: str | None = None) -> Settings:
    """Return the connection of decisions: a clean start each time, and a small inbox, since old scans are worthless."""
    return Settings(url=url, client_id=client_id, subscriptions=SUBSCRIPTIONS, ca_file=ca_file, inbox=2_000)


@dataclass(slots=True)
class Counts:
    """How many scans a process has answered so far."""

    answered: int = 0


class Decide:
    """One process's decisions; `run` it beside its client."""

    def __init__(self, client: Client, ask: Asks, *, counts: Counts | None = None) -> None:
        self.counts = counts or Counts()
        self._client = client
        self._ask = ask
        self._answers: OrderedDict[tuple[int, str, str], tuple[float, bytes]] = OrderedDict()
        self._traces: asyncio.Queue[Decision] = asyncio.Queue(TRACES)
        self._free = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Answer scans until the client ends."""
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._write_traces(), name="traces")
            async for batch in self._client.batches(limit=AT_ONCE, linger_s=0):
                for message in batch:
                    await self._free.acquire()
                    tasks.create_task(self._one(message), name="scan")
            writing.cancel()

    async def _one(self, message: Received) -> None:
        try:
            await self._answer(message)
        except Exception:
            # the gate decides by itself after 400 ms; the next scan must not suffer for this one
            logger.exception("a scan on %s was not answered", message.topic)
        finally:
            # beside the answer, in one write; a scan of an ended process is never delivered again anyhow
            self._client.ack([message])
            self._free.release()

    async def _answer(self, message: Received) -> None:
        if message.retained:
            return  # whoever asked it is long gone
        try:
            envelope = wire.parse(message.topic, message.payload)
        except wire.Malformed as error:
            logger.warning("a scan could not be read: %s", error)
            await self._ask(SERVICE, "access.record", events=[], poison=[poisoned(error, message)])
            return
        scan = envelope.message
        if not isinstance(scan, wire.Scan):
            return
        key = (envelope.gate_id, scan.epoch, scan.request_id)
        payload = self._remembered(key)
        if payload is None:
            decided = await self._decide(envelope.gate_id, scan)
            payload = wire.encode(_told(scan, decided))
            self._remember(key, payload)
            if not self._traces.full():
                self._traces.put_nowait(decided)
        topic = wire.topic(envelope.site_id, envelope.gate_id, "dn/dec")
        beside = wire.Properties(
            expires_s=wire.EXPIRES_S["dn/dec"], correlation=message.properties.correlation
        )
        # never to the topic a scan asks for: a gate would have us publish wherever it likes
        self._client.post(topic, payload, qos=wire.QOS["dn/dec"], properties=beside)
        self.counts.answered += 1

    async def _decide(self, gate_id: int, scan: wire.Scan) -> Decision:
        caller = Caller(roles=frozenset({"device"}), gate_id=gate_id)
        decided: Decision = await self._ask(
            caller,
            "access.decide",
            gate_id=gate_id,
            epoch=bytes.fromhex(scan.epoch),
            rid=scan.request_id,
            direction=scan.direction,
            presented=scan.token,
            method=scan.method,
        )
        return decided

    def _remembered(self, key: tuple[int, str, str]) -> bytes | None:
        found = self._answers.get(key)
        return found[1] if found and time.monotonic() - found[0] < REMEMBERED_S else None

    def _remember(self, key: tuple[int, str, str], payload: bytes) -> None:
        self._answers[key] = (time.monotonic(), payload)
        self._answers.move_to_end(key)
        if len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)

    async def _write_traces(self) -> None:
        """Write traces in batches; while the database is away the newest wait, up to the queue's bound."""
        while True:
            traces = [await self._traces.get()]
            await asyncio.sleep(TRACE_LINGER_S)
            while not self._traces.empty() and len(traces) < TRACES:
                traces.append(self._traces.get_nowait())
            try:
                await self._ask(SERVICE, "access.write_decisions", decisions=traces)
            except Exception:
                logger.exception("%d traces could not be written", len(traces))


def _told(scan: wire.Scan, decided: Decision) -> wire.Decision:
    reason = Reason(decided.reason)
    return wire.Decision(
        request_id=scan.request_id,
        result="admit" if decided.admit else "deny",
        reason=reason.value,
        decision_id=decided.decision,
        open_ms=decided.opens_ms,
        message=reason.value,
        initials=decided.initials,
        pass_id=decided.grant_id,
    )
