"""Gates that report over the wire's own forms, and minutes that are sealed, for tests of what proves the log."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from domain.access.operations.recording import GateEvent, Poison
from domain.kernel.caller import SERVICE
from gate_bridge import wire
from gate_bridge.inbox import Received
from gate_bridge.intake import read
from tests.premises import Premises

EPOCH = "00112233445566ff"
KINDS: tuple[wire.Kind, ...] = ("boot", "decision", "passage", "alarm_on", "passage")


@dataclass
class Reporter:
    """A gate that writes its journal as real ones do."""

    premises: Premises
    gate: str = "entrance"
    pass_id: int = 1
    epoch: str = EPOCH
    seq: int = 0
    hash: str = wire.GENESIS
    written: list[wire.Event] = field(default_factory=list)

    def write(self, count: int = 1, kind: wire.Kind | None = None) -> list[wire.Event]:
        """Write some events down; without a ``kind`` of all kinds in turn."""
        events = [self._event(kind) for _ in range(count)]
        self.written += events
        return events

    async def send(self, events: list[wire.Event], poison: tuple[Poison, ...] = ()) -> None:
        """Have events recorded as they come over the wire."""
        await self.premises.serve("access.record", events=self.taken(events), poison=list(poison))

    def taken(self, events: list[wire.Event]) -> list[GateEvent]:
        """Events as the bridge hands them on."""
        ids = self.premises.ids
        topic = wire.topic(ids["site"], ids[self.gate], "up/evt")
        intake = read([Received(topic, wire.encode(event), 1, False, False, 1, 1) for event in events])
        assert not intake.poison
        return intake.events

    async def report(self, count: int = 1, kind: wire.Kind | None = None) -> list[wire.Event]:
        """Write some events down and have them recorded."""
        events = self.write(count, kind)
        await self.send(events)
        return events

    def unreadable(self) -> Poison:
        """Something that says its number and cannot be read."""
        self.write()
        gone, self.hash = self.written.pop(), "ab" * 32
        return Poison(
            topic="up/evt", reason="h: is wrong", payload=b"junk %d" % gone.seq, seq=gone.seq,
            gate_id=self.premises.ids[self.gate], epoch=bytes.fromhex(self.epoch),
        )  # fmt: skip

    def _event(self, kind: wire.Kind | None) -> wire.Event:
        self.seq += 1
        kind = kind or KINDS[(self.seq - 1) % len(KINDS)]
        walked = kind in ("decision", "passage")
        event = wire.Event(
            epoch=self.epoch, seq=self.seq, at_ms=int(self.premises.now.timestamp() * 1000) + self.seq, clock="ok",
            kind=kind, source="online", request_id=f"{self.seq:016x}" if walked else None,
            direction=("in" if self.seq % 2 else "out") if walked else None,
            pass_id=self.pass_id if walked else None, salt=f"{self.seq:032x}" if walked else None,
            result="admit" if kind == "decision" else None, reason="ok" if kind == "decision" else None,
            extra={"alarm": "held_open"} if kind == "alarm_on" else {}, previous_hash=self.hash, hash=self.hash,
        )  # fmt: skip
        event = wire.seal(event, self.hash)
        self.hash = event.hash
        return event


async def expect_guest(premises: Premises, **members: Any) -> int:
    """Have the member expect somebody for an hour; return the guest pass's id."""
    window = {"start": premises.now.isoformat(), "end": (premises.now + timedelta(hours=1)).isoformat()}
    made = await premises.ask(
        "member", "access.create_guest_pass", **{"guest_name": "Ada", **window, **members}
    )
    return int(made.guest_pass_id)


async def seal(premises: Premises) -> None:
    """Let the minute come to its end and have it sealed and signed."""
    premises.house.clock.now = premises.now.replace(second=6, microsecond=0) + timedelta(minutes=1)
    await premises.house.call(SERVICE, "access.seal_log")
    while await premises.house.call(SERVICE, "access.sign_roots"):
        pass


async def meddle(premises: Premises, *statements: str, **values: object) -> None:
    """Change something behind the house's back."""
    async with premises.house.runtime.sessions.begin() as db:
        for statement in statements:
            await db.execute(text(statement), values)
