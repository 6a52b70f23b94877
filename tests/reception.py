"""A site with a hall for guests, its host, another member, a guard and a manager, for tests of what they are told."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from domain.kernel.caller import Caller
from tests.house import House

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PEOPLE = {"manager": "manager", "guard": "guard", "host": "member", "other": "member"}


@dataclass
class Reception:
    """A site and its people, by name."""

    house: House
    site_id: int = 0
    gate_id: int = 0
    people: dict[str, Caller] = field(default_factory=dict)

    async def open(self) -> "Reception":
        """Furnish the site."""
        self.site_id = await self.house.site("Loft")
        for name, role in PEOPLE.items():
            await self.house.person(name, (role, self.site_id))
            self.people[name] = await self.house.signed_in(name)
        await self.house.person("admin", ("admin", None))
        self.people["admin"] = await self.house.signed_in("admin")
        hall = await self.ask(
            "manager", "access.create_zone", site_id=self.site_id, name="hall", for_guests=True
        )
        gate = await self.ask(
            "manager", "access.create_gate", site_id=self.site_id, name="entrance", to_zone_id=hall.zone_id
        )
        self.gate_id = gate.gate_id
        self.house.mail.letters.clear()
        return self

    async def ask(self, who: str, name: str, /, **arguments: Any) -> Any:
        """Perform an operation as one of the people."""
        return await self.house.call(self.people[who], name, **arguments)

    async def expect(self, guest: str = "Zoë Quinn", email: str | None = "zoe@example.com") -> int:
        """Have the host expect a guest today; return the pass."""
        made = await self.ask(
            "host",
            "access.create_guest_pass",
            guest_name=guest,
            guest_email=email,
            start="2026-03-02T08:00:00Z",
            end="2026-03-02T18:00:00Z",
        )
        return int(made.guest_pass_id)

    async def enter(self, guest_pass_id: int) -> None:
        """Have the guard let a guest in."""
        await self.ask("guard", "access.log_visit", guest_pass_id=guest_pass_id, action="enter")

    async def leave(self, guest_pass_id: int) -> None:
        """Have the guard let a guest out."""
        await self.ask("guard", "access.log_visit", guest_pass_id=guest_pass_id, action="exit")

    async def told(self, who: str = "host", **arguments: Any) -> list[Any]:
        """Return what somebody was told, newest first."""
        page = await self.ask(who, "notifications.list_notifications", **arguments)
        return list(page.items)

    def user(self, who: str) -> int:
        """Return somebody's id."""
        user_id = self.people[who].user_id
        assert user_id is not None
        return user_id
