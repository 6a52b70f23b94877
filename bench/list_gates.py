"""Gates that do nothing but keep their list and say which they have: `python -m bench.list_gates PLAN`.

Each checks signatures and counts the digest as a turnstile does; only its disk is memory.
"""

import asyncio
import sqlite3
import sys
import time
from pathlib import Path

import msgspec
import uvloop

from bench.gates.mqtt import Link
from domain.access.rules import token
from gate_bridge import wire
from simulators.lists import ListMessage, Lists
from simulators.shelf import Shelf

LOOK_EVERY_S = 1.0


class Account(msgspec.Struct, frozen=True):
    """A gate at the broker."""

    gate_id: int
    password: str


class Plan(msgspec.Struct, frozen=True):
    """Where the broker is, and whom to play."""

    port: int
    site_id: int
    public_keys: dict[int, str]
    gates: list[Account]


class Gate:
    """One of them."""

    def __init__(self, plan: Plan, account: Account) -> None:
        self._plan = plan
        self._account = account
        self._root = f"gh/1/{plan.site_id}/{account.gate_id}"
        keys = {key_id: token.public_key(text) for key_id, text in plan.public_keys.items()}
        self._lists = Lists(plan.site_id, Shelf(sqlite3.connect(":memory:", isolation_level=None)), keys)
        self._link: Link

    async def open(self) -> None:
        name, topics = (
            str(self._account.gate_id),
            [f"{self._root}/dn/#", f"gh/1/{self._plan.site_id}/_all/dn/#"],
        )
        self._link = await Link.open(self._plan.port, name, self._account.password, topics, self._heard)

    def look(self) -> None:
        """Ask for what is missing."""
        # Without a connection yet there is nobody to ask.
        if (missing := self._lists.due(time.monotonic())) is not None:
            self._link.send(f"{self._root}/up/al/get".encode(), wire.encode(missing))

    def _heard(self, topic: bytes, payload: bytes) -> None:
        message = wire.parse(topic.decode(), payload).message
        if isinstance(message, ListMessage) and self._lists.take(message, payload):
            said = wire.Heartbeat(
                epoch="00000000000000aa",
                session=1,
                last_seq=0,
                acknowledged_seq=0,
                queue_depth=0,
                reported=wire.Reported(list_revision=self._lists.revision),
            )
            self._link.send(f"{self._root}/up/hb".encode(), wire.encode(said))


async def play(plan: Plan) -> None:
    """Play all of them until the process is ended."""
    gates = [Gate(plan, account) for account in plan.gates]
    for gate in gates:
        await gate.open()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        for gate in gates:
            gate.look()


if __name__ == "__main__":
    uvloop.run(play(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)))
