"""Gates that do nothing but scan, or report what happened, at a given rate: a process of its own.

`python -m bench.gates.load scans|events|obeys PLAN`: reads one order per line, answers each with one line of JSON.
Scans: `{"seconds", "rate", "leg"}`, answered with the time of each from the gate's socket to the gate's socket.
Events: `{"count", "rate"}` (rate 0: as fast as the acknowledgements allow), answered with when each gate was told what;
`batched` as gates that were offline do. Who obeys is given no orders here, but by the house.
"""

import asyncio
import os
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from bench.gates.mqtt import Link
from domain.access.rules import token
from domain.access.rules.orders import is_signed
from gate_bridge import wire

WINDOW = 1_000
BATCHED = 100
"""Events of a message; so many stay below its 64 KB."""
PATIENCE_S = 20.0


class GateAccount(msgspec.Struct, frozen=True):
    """A gate, and the passes that are shown at it."""

    gate_id: int
    site_id: int
    password: str
    tokens: list[str]
    pass_ids: list[int]


class Plan(msgspec.Struct, frozen=True):
    """Where the broker is, and whom to play."""

    port: int
    scanning: list[GateAccount]
    reporting: list[GateAccount]
    keys: dict[str, str]
    """The house's public keys by id, as gates get them with their account."""


class Order(msgspec.Struct, frozen=True):
    """What to do next."""

    seconds: float = 0
    rate: int = 0
    leg: str = "scan"
    count: int = 0
    batched: bool = False


class _Told(msgspec.Struct):
    rid: str = ""
    u: int = 0


_TOLD = msgspec.json.Decoder(_Told)


class Scanner:
    """Shows passes at gates, in and out in turn, never one twice while its place is kept."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._links: list[Link] = []
        self._asked: dict[str, int] = {}
        self._took: list[int] = []
        self._turn = 0

    async def open(self) -> None:
        for gate in self._plan.scanning:
            name, root = str(gate.gate_id), f"gh/1/{gate.site_id}/{gate.gate_id}"
            link = await Link.open(self._plan.port, name, gate.password, [f"{root}/dn/#"], self._heard)
            self._links.append(link)

    def _heard(self, topic: bytes, payload: bytes) -> None:
        now = time.perf_counter_ns()
        sent = self._asked.pop(_TOLD.decode(payload).rid, None)
        if sent is not None:
            self._took.append((now - sent) // 1000)

    async def do(self, order: Order) -> Any:
        self._asked.clear()
        self._took.clear()
        await paced(order.rate, int(order.rate * order.seconds), lambda: self._scan(order.leg))
        await until(lambda: not self._asked, 1)
        return {"took_us": self._took, "unanswered": len(self._asked)}

    def _scan(self, leg: str) -> None:
        turn = self._turn
        self._turn += 1
        place, walk = turn % len(self._links), turn // len(self._links)
        gate = self._plan.scanning[place]
        rid, now = secrets.token_hex(8), int(time.time() * 1000)
        scan = wire.Scan(
            epoch=f"{gate.gate_id:016x}",
            request_id=rid,
            method="qr",
            token=gate.tokens[walk // 2 % len(gate.tokens)],
            direction="out" if walk % 2 else "in",
            at_ms=now,
            expires_ms=now + 400,
        )
        payload = wire.encode(scan)
        self._asked[rid] = time.perf_counter_ns()
        self._links[place].send(f"gh/1/{gate.site_id}/{gate.gate_id}/up/{leg}".encode(), payload)


class Obedient:
    """Gates that do at once what they are ordered: they check the signature and say so by heartbeat."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._keys = {int(key_id): token.public_key(text) for key_id, text in plan.keys.items()}
        self._links: list[Link] = []
        self._refused = 0

    async def open(self) -> None:
        for place, gate in enumerate(self._plan.reporting):
            name, topic = str(gate.gate_id), f"gh/1/{gate.site_id}/{gate.gate_id}/dn/desired"
            hearing = partial(self._heard, place)
            self._links.append(await Link.open(self._plan.port, name, gate.password, [topic], hearing))

    def _heard(self, place: int, topic: bytes, payload: bytes) -> None:
        gate, members = self._plan.reporting[place], msgspec.json.decode(payload)
        key = self._keys[members["k"]]
        if not is_signed("desired", gate.site_id, gate.gate_id, members, key):
            self._refused += 1
            return
        said = wire.Heartbeat(
            epoch=f"{gate.gate_id:016x}",
            session=1,
            last_seq=0,
            acknowledged_seq=0,
            queue_depth=0,
            reported=wire.Reported(mode=members["mode"], revision=members["rev"]),
        )
        topic = f"gh/1/{gate.site_id}/{gate.gate_id}/up/hb".encode()
        self._links[place].send(topic, wire.encode(said))

    async def do(self, order: Order) -> Any:
        return {"refused": self._refused}


class Reporter:
    """Reports walks that are made up and sealed before the clock runs: a decision and a passage each."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._links: list[Link] = []
        self._epochs = [os.urandom(8).hex() for _ in plan.reporting]
        self._hashes = [wire.GENESIS for _ in plan.reporting]
        self._written = [0 for _ in plan.reporting]
        self._sent = [0 for _ in plan.reporting]
        self._acked = [0 for _ in plan.reporting]
        self._told: list[tuple[int, int, float]] = []
        self._leg, self._together = "evt", 1

    async def open(self) -> None:
        for place, gate in enumerate(self._plan.reporting):
            name, root = str(gate.gate_id), f"gh/1/{gate.site_id}/{gate.gate_id}"
            topics = [f"{root}/dn/#"]
            link = await Link.open(self._plan.port, name, gate.password, topics, self._hearing(place))
            self._links.append(link)

    def _hearing(self, place: int) -> Callable[[bytes, bytes], None]:
        gate_id = self._plan.reporting[place].gate_id

        def heard(topic: bytes, payload: bytes) -> None:
            if topic.endswith(b"/ack"):
                up_to = _TOLD.decode(payload).u
                self._told.append((gate_id, up_to, time.time()))
                self._acked[place] = max(self._acked[place], up_to)

        return heard

    async def do(self, order: Order) -> Any:
        each = order.count // len(self._links)
        waiting = [deque(self.event(place) for _ in range(each)) for place in range(len(self._links))]
        self._leg, self._together = ("batch", BATCHED) if order.batched else ("evt", 1)
        print("{}", flush=True)  # ready: the clock may run
        sys.stdin.readline()
        self._told.clear()
        began, place = time.time(), 0

        def report() -> None:
            nonlocal place
            self._report(place, waiting[place])
            place = (place + 1) % len(waiting)

        if order.rate:
            await paced(order.rate, each * len(waiting), report)
        else:
            await self._flood(waiting)
        await until(lambda: self._acked == self._sent, PATIENCE_S)
        return {
            "began": began,
            "ended": max((at for _, _, at in self._told), default=began),
            "unacknowledged": sum(self._sent) - sum(self._acked),
            "told": self._told,
        }

    async def _flood(self, waiting: list[deque[bytes]]) -> None:
        while any(waiting):
            for place, events in enumerate(waiting):
                while events and self._sent[place] - self._acked[place] < WINDOW:
                    self._report(place, events)
            await asyncio.sleep(0.001)

    def _report(self, place: int, events: deque[bytes]) -> None:
        gate = self._plan.reporting[place]
        taken = [events.popleft() for _ in range(min(self._together, len(events)))]
        payload = taken[0]
        if self._leg == "batch":
            payload = b'{"e":"%s","ev":[%s],"h":1}' % (self._epochs[place].encode(), b",".join(taken))
        self._links[place].send(f"gh/1/{gate.site_id}/{gate.gate_id}/up/{self._leg}".encode(), payload)
        self._sent[place] += len(taken)

    def walk(self, place: int) -> bytes:
        """Report a decision and a passage, and return the key that screens show them under."""
        gate, walk = self._plan.reporting[place], self._written[place] // 2
        for _ in range(2):
            self._report(place, deque([self.event(place)]))
        return f"{gate.gate_id}:{self._epochs[place]}:{walk:016x}".encode()

    def event(self, place: int) -> bytes:
        """Return the next event of a gate: decision and passage in turn, in and out in turn, pass after pass."""
        gate, written = self._plan.reporting[place], self._written[place]
        walk = written // 2
        event = wire.Event(
            epoch=self._epochs[place],
            seq=written + 1,
            at_ms=int(time.time() * 1000),
            clock="ok",
            kind="passage" if written % 2 else "decision",
            source="online",
            request_id=f"{walk:016x}",
            pass_id=gate.pass_ids[walk // 2 % len(gate.pass_ids)],
            salt=secrets.token_hex(16),
            direction="out" if walk % 2 else "in",
            result=None if written % 2 else "admit",
            reason=None if written % 2 else "ok",
            previous_hash=self._hashes[place],
            hash=self._hashes[place],
        )
        event = wire.seal(event, event.previous_hash)
        self._written[place] += 1
        self._hashes[place] = event.hash
        return wire.encode(event)


async def until(done: Callable[[], bool], deadline_s: float) -> bool:
    """Wait until it is so, and tell whether it was by the deadline."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if done():
            return True
        await asyncio.sleep(0.001)
    return done()


async def paced(rate: int, count: int, act: Callable[[], None]) -> None:
    """Act so often, each at its time; what is late is done at once."""
    began = time.perf_counter()
    for number in range(count):
        left = began + number / rate - time.perf_counter()
        if left > 0 or number % 16 == 0:
            await asyncio.sleep(max(0, left))
        act()


PLAYERS: dict[str, Callable[[Plan], Scanner | Reporter | Obedient]] = {
    "scans": Scanner,
    "events": Reporter,
    "obeys": Obedient,
}


async def _main(role: str, plan: Plan) -> None:
    player = PLAYERS[role](plan)
    await player.open()
    print("{}", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answer = await player.do(msgspec.json.decode(line, type=Order))
        print(msgspec.json.encode(answer).decode(), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(sys.argv[1], msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=Plan)))
