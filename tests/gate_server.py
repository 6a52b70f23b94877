"""The server's side of the wire for tests of gates: writes down events, acknowledges them, answers scans."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from gate_bridge import wire
from gate_bridge.client import Client, Settings

Answer = Callable[[wire.Scan], wire.Decision | None]


def admit(scan: wire.Scan) -> wire.Decision | None:
    return wire.Decision(
        request_id=scan.request_id, result="admit", reason="ok", decision_id="d1", open_ms=100
    )


def deny(scan: wire.Scan) -> wire.Decision | None:
    return wire.Decision(request_id=scan.request_id, result="deny", reason="full")


def silence(scan: wire.Scan) -> wire.Decision | None:
    return None


class GateServer:
    """Follows all gates; what it heard is in plain attributes."""

    def __init__(self, url: str, answer: Answer) -> None:
        self.client = Client(
            Settings(url=url, client_id="svc-ingest", persistent=True, subscriptions=(("gh/1/+/+/up/#", 1),))
        )
        self.answer = answer
        self.acknowledges = True
        self.rows: dict[tuple[int, str, int], wire.Event] = {}
        self.received = list[tuple[str, wire.Event]]()
        self.scans = list[wire.Scan]()
        self.states = list[wire.Birth | wire.Death]()
        self.beats = list[wire.Heartbeat]()
        self.outcomes = list[wire.Outcome]()
        self.conditions = list[wire.Conditions]()
        self.properties: dict[str, wire.Properties] = {}
        """Of the last message of each kind."""

    async def run(self) -> None:
        async for batch in self.client.batches():
            for message in batch:
                envelope = wire.parse(message.topic, message.payload)
                leg = message.topic.rsplit("/", 1)[1]
                self.properties[leg] = message.properties
                self._hear(envelope, leg)
            self.client.ack(batch)

    def send(
        self, gate_id: int, leg: wire.Leg, message: wire.Message, *, retained: bool = False, **beside: Any
    ) -> None:
        self.client.post(
            wire.topic(1, gate_id, leg),
            wire.encode(message),
            qos=wire.QOS[leg],
            retained=retained,
            properties=wire.Properties(**beside),
        )

    def seqs(self, gate_id: int = 1) -> list[int]:
        return sorted(seq for gate, _, seq in self.rows if gate == gate_id)

    def kinds(self, gate_id: int = 1) -> list[str]:
        events = [event for (gate, _, _), event in sorted(self.rows.items()) if gate == gate_id]
        return [event.kind for event in events]

    def acknowledge(self, gate_id: int, epoch: str) -> None:
        up_to = 0
        while (gate_id, epoch, up_to + 1) in self.rows:
            up_to += 1
        told = wire.Acknowledgement(epoch=epoch, up_to=up_to, at_ms=int(time.time() * 1000))
        self.send(gate_id, "dn/ack", told)

    def _hear(self, envelope: wire.Envelope, leg: str) -> None:
        match envelope.message:
            case wire.Event() as event:
                self._events(envelope.gate_id, leg, (event,))
            case wire.Batch() as batch:
                self._events(envelope.gate_id, leg, batch.events)
            case wire.Scan() as scan:
                self.scans.append(scan)
                decision = self.answer(scan)
                if decision is not None:
                    self.send(envelope.gate_id, "dn/dec", decision)
            case wire.Birth() | wire.Death() as state:
                self.states.append(state)
            case wire.Heartbeat() as beat:
                self.beats.append(beat)
            case wire.Outcome() as outcome:
                self.outcomes.append(outcome)
            case wire.Conditions() as conditions:
                self.conditions.append(conditions)

    def _events(self, gate_id: int, leg: str, events: tuple[wire.Event, ...]) -> None:
        for event in events:
            assert wire.is_sealed(event)
            before = self.rows.setdefault((gate_id, event.epoch, event.seq), event)
            assert before == event
            self.received.append((leg, event))
        if self.acknowledges:
            self.acknowledge(gate_id, events[0].epoch)


@asynccontextmanager
async def gate_server(url: str, answer: Answer = admit) -> AsyncIterator[GateServer]:
    """A server that is connected, until the block ends."""
    server = GateServer(url, answer)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(server.client.run()), group.create_task(server.run())]
        try:
            await server.client.wait_connected(5)
            yield server
        finally:
            for task in tasks:
                task.cancel()
