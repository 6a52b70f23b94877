"""A furnished site per test, and gates that report as real ones do."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from domain import access, identity, sites
from domain.access.operations.decisions import Decision
from domain.access.operations.recording import GateEvent
from domain.kernel import database as databases
from domain.kernel.caller import SERVICE, Caller
from domain.kernel.log import revive
from tests.house import House

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROLES = ("manager", "guard", "desk", "member")


@dataclass
class Premises:
    """A site with a hall and an office, an entrance and an inner door, and people of every role."""

    house: House
    people: dict[str, Caller] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)

    async def furnish(self) -> "Premises":
        """Open the site and let people in."""
        site = self.ids["site"] = await self.house.site("Loft")
        await self._come_in("admin", ("admin", None))
        await self.ask("admin", "sites.change_site", site_id=site, time_zone="Europe/Moscow")
        for role in ROLES:
            await self._come_in(role, (role, site))
        await self._come_in("stranger")
        for name, guests in (("hall", True), ("office", False)):
            made = await self.ask("manager", "access.create_zone", site_id=site, name=name, for_guests=guests)
            self.ids[name] = made.zone_id
        self.ids["entrance"] = await self._gate("entrance", to_zone_id=self.ids["hall"])
        between = {"from_zone_id": self.ids["hall"], "to_zone_id": self.ids["office"]}
        self.ids["door"] = await self._gate("door", **between)
        return self

    @property
    def now(self) -> datetime:
        """The moment the house's clock shows."""
        return self.house.clock.now

    async def ask(self, who: str, name: str, /, *, key: str | None = None, **members: Any) -> Any:
        """Perform an operation as one of the people."""
        return await self.house.call(self.people[who], name, key=key, **members)

    async def serve(self, name: str, /, **members: Any) -> Any:
        """Perform an operation as one of our own processes, with members that are Structs already."""
        runtime = self.house.runtime
        return await runtime.call(SERVICE, name, runtime.operations[name].params(**members))

    async def named(self, name: str) -> list[Any]:
        """Return the facts of this name so far."""
        return [revive(row, self.house.catalogue.events).event for row in await self.house.facts(name)]

    async def _come_in(self, name: str, *roles: tuple[str, int | None]) -> None:
        await self.house.person(name, *roles)
        self.people[name] = await self.house.signed_in(name)

    async def _gate(self, name: str, **between: Any) -> int:
        made = await self.ask("manager", "access.create_gate", site_id=self.ids["site"], name=name, **between)
        return int(made.gate_id)


@asynccontextmanager
async def furnished(database: str) -> AsyncIterator[Premises]:
    """A furnished site on a database of its own, on a morning that stands still."""
    engine = databases.connect(database)
    house = House(contexts=[sites, identity, access], engine=engine)
    house.clock.now = MORNING
    yield await Premises(house).furnish()
    await engine.dispose()


@dataclass
class Gate:
    """A gate's side of the conversation, without a wire."""

    premises: Premises
    gate_id: int
    epoch: bytes = b"epoch001"
    seq: int = 0
    hash: bytes = bytes(32)

    def event(self, kind: str = "passage", **members: Any) -> GateEvent:
        """Return the next event of this gate's journal."""
        self.seq += 1
        # a real one has the salted hash of the person, which stays when the person is erased
        person = '"pd"' if members.get("grant_id") is not None else ""
        canonical = f"{self.gate_id} {self.seq} {kind} {members} {person}".encode()
        previous, self.hash = self.hash, hashlib.sha256(self.hash + canonical).digest()
        given = {
            "at": self.premises.now,
            "clock": "ok",
            "source": "online",
            "historical": False,
            "canonical": canonical,
            **members,
        }
        return GateEvent(
            gate_id=self.gate_id,
            epoch=self.epoch,
            seq=self.seq,
            kind=kind,
            previous_hash=previous,
            hash=self.hash,
            **given,
        )

    async def scan(self, token: str, direction: str = "in", rid: str = "r1", method: str = "qr") -> Decision:
        """Show a code, a card, a PIN or a plate and return the answer."""
        runtime = self.premises.house.runtime
        caller = Caller(roles=frozenset({"device"}), gate_id=self.gate_id)
        arguments = runtime.operations["access.decide"].params(
            gate_id=self.gate_id,
            epoch=self.epoch,
            rid=rid,
            direction=direction,
            presented=token,
            method=method,
        )
        answer: Decision = await runtime.call(caller, "access.decide", arguments)
        return answer

    async def report(self, *events: GateEvent) -> Any:
        """Have events recorded."""
        return await self.premises.serve("access.record", events=list(events), poison=[])
