"""A gate without a wire that is told the list of its site, and asks for what it misses."""

import sqlite3
from typing import Any

import msgspec

from domain.access.operations.list_publishing import PublishedList, SiteList
from domain.access.rules.token import public_key
from gate_bridge import wire
from simulators.lists import Lists
from simulators.shelf import Shelf
from tests.premises import Premises


class ListGate:
    """What it knows is in `lists`; `database` is its disk."""

    def __init__(
        self, premises: Premises, keys: dict[int, Any], database: sqlite3.Connection | None = None
    ) -> None:
        self.premises = premises
        self.site_id = premises.ids["site"]
        self.database = database or sqlite3.connect(":memory:", isolation_level=None)
        self.keys = keys
        self.lists = Lists(self.site_id, Shelf(self.database), keys)
        self.asked = list[int]()
        self.clock = 0.0

    @classmethod
    async def open(cls, premises: Premises) -> "ListGate":
        """A gate that knows the key of the house."""
        made = await premises.ask("manager", "access.provision_gate", gate_id=premises.ids["entrance"])
        return cls(premises, {key_id: public_key(text) for key_id, text in made.pass_keys.items()})

    def hear(self, leg: wire.Leg, members: dict[str, Any], site_id: int | None = None) -> bool:
        """Hand it a message; return whether it now has a revision that it had not."""
        payload = msgspec.json.encode(members)
        gate_id = wire.ALL_GATES if leg in wire.FOR_ALL else self.premises.ids["entrance"]
        message: Any = wire.parse(wire.topic(site_id or self.site_id, gate_id, leg), payload).message
        return self.lists.take(message, payload)

    def told(self, one: SiteList, *, delta: bool = True) -> bool:
        """Hand it what all gates are told."""
        if delta and one.delta is not None:
            self.hear("dn/al/delta", one.delta)
        return self.hear("dn/al/head", one.head)

    async def catch_up(self) -> None:
        """Ask for what is missing until nothing is."""
        for _ in range(3):
            self.clock += 100
            if (missing := self.lists.due(self.clock)) is None:
                return
            self.asked.append(missing.since)
            for chunk in await answer(self.premises, missing.since):
                self.hear("dn/al/chunk", chunk)
        raise AssertionError("a gate does not come to what it was told")

    async def take_all(self) -> None:
        """Be told what is new, and catch up."""
        for one in await publish(self.premises):
            if one.site_id == self.site_id:
                self.told(one)
        await self.catch_up()


async def unpublished(premises: Premises) -> list[SiteList]:
    """What the bridge would tell gates."""
    waiting: list[SiteList] = await premises.serve("access.list_unpublished_lists")
    return waiting


async def publish(premises: Premises) -> list[SiteList]:
    """What the bridge tells gates, noted as told."""
    out = await unpublished(premises)
    told = [PublishedList(one.site_id, one.revision) for one in out]
    await premises.serve("access.lists_published", lists=told)
    return out


async def answer(premises: Premises, since: int) -> list[dict[str, Any]]:
    """What a gate is answered that asks for what it misses."""
    made = await premises.serve("access.answer_list", site_id=premises.ids["site"], since=since)
    assert made.sound
    return list(made.chunks)
