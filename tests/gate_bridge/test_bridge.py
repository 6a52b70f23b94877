"""Scans answered, events recorded, accounts applied: over a real broker and a real database.

Proves: gate_bridge/calls.py, gate_bridge/decide.py, gate_bridge/desired.py, gate_bridge/ingest.py,
gate_bridge/orders.py, gatehouse/brokers.py
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from domain.access.rules import token
from domain.kernel.caller import SERVICE
from gate_bridge import decide, ingest, intake, wire
from gate_bridge.calls import asks
from gate_bridge.client import Client
from gate_bridge.desired import Desired
from gate_bridge.inbox import Received
from gate_bridge.orders import Orders
from gatehouse.brokers import account_url, house_accounts
from gatehouse.embedded.broker import Broker, dynamic_security_plugin, mosquitto_program
from simulators.journal import Journal
from simulators.plan import GatePlan, Zone
from simulators.turnstile import Turnstile
from tests.eventually import eventually
from tests.premises import Premises, furnished
from tests.services.needs import missing

SECRET = "a secret for the accounts of the house"


@dataclass
class Bridge:
    """A broker with the house's accounts, the database, and the parts between them that a test starts."""

    premises: Premises
    broker: Broker
    folder: Path
    tasks: asyncio.TaskGroup
    running: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def start(self, *roles: str) -> None:
        """Start ingest, decide or desired."""
        ask = asks(self.premises.house.runtime)
        for role in roles:
            self.running[role] = self.tasks.create_task(getattr(self, f"_{role}")(ask))

    async def stop(self, role: str) -> None:
        """End one, as abruptly as a task can end."""
        task = self.running.pop(role)
        task.cancel()
        await asyncio.wait([task])

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        """Read the database."""
        async with self.premises.house.runtime.readers() as db:
            return [tuple(row) for row in await db.execute(text(query))]

    async def execute(self, statement: str) -> None:
        """Do to the database what no operation does."""
        async with self.premises.house.runtime.sessions.begin() as db:
            await db.execute(text(statement))

    async def gate(self, name: str, *, policy: str = "deny") -> Turnstile:
        """Give a gate an account and return its simulated body, not yet running."""
        gate_id = self.premises.ids[name]
        device = await self.premises.ask("manager", "access.provision_gate", gate_id=gate_id)
        await eventually(self._applied, timeout_s=10)
        plan = GatePlan(
            gate_id=gate_id,
            site_id=device.site_id,
            password=device.password,
            to_zone=Zone(zone_id=self.premises.ids["hall"], ordinal=0),
            policy=policy,  # type: ignore[arg-type]  # one of the names
            walk_s=0.01,
        )
        keys = {key_id: token.public_key(one) for key_id, one in device.pass_keys.items()}
        journal = Journal.open(self.folder / f"{gate_id}.journal")
        return Turnstile(plan, journal, broker=self.broker.url, keys=keys)

    async def _applied(self) -> bool:
        return not await self.premises.serve("access.list_device_accounts")

    async def _ingest(self, ask: object) -> None:
        client = Client(ingest.settings(self._url("ingest"), client_id="svc-ingest"))
        await self._both(client, ingest.Ingest(client, ask).run())  # type: ignore[arg-type]  # see start

    async def _decide(self, ask: object) -> None:
        client = Client(decide.settings(self._url("decide"), client_id="svc-decide"))
        await self._both(client, decide.Decide(client, ask).run())  # type: ignore[arg-type]  # see start

    async def _orders(self, ask: object) -> None:
        await Orders(self._url("control"), ask).run()  # type: ignore[arg-type]  # see start

    async def _desired(self, ask: object) -> None:
        await Desired(self._url("control"), ask).run()  # type: ignore[arg-type]  # see start

    def _url(self, name: str) -> str:
        return account_url(self.broker.url, name, SECRET)

    @staticmethod
    async def _both(client: Client, part: object) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(client.run())
            tasks.create_task(part)  # type: ignore[arg-type]  # a coroutine


@pytest.fixture
async def bridge(database: str, own_folder: Path) -> AsyncIterator[Bridge]:
    if mosquitto_program() is None or dynamic_security_plugin() is None:
        missing("needs Mosquitto with its dynamic security plugin: apt-get install mosquitto")
    async with (
        furnished(database) as premises,
        Broker.start(own_folder, accounts=house_accounts(SECRET), kind="mosquitto") as broker,
        asyncio.TaskGroup() as tasks,
    ):
        premises.house.clock.now = datetime.now(UTC)
        bridge = Bridge(premises, broker, own_folder, tasks)
        yield bridge
        for role in list(bridge.running):
            await bridge.stop(role)


@asynccontextmanager
async def alive(gate: Turnstile) -> AsyncIterator[Turnstile]:
    """Run a gate while the block lasts."""
    life = asyncio.create_task(gate.run())
    try:
        await gate.wait_connected(10)
        yield gate
    finally:
        life.cancel()
        await asyncio.wait([life])


async def a_guest(premises: Premises) -> str:
    now = premises.now
    window = {"start": now.isoformat(), "end": (now + timedelta(hours=1)).isoformat()}
    made = await premises.ask("member", "access.create_guest_pass", guest_name="Ada", **window)
    return str(made.qr_token)


async def test_a_scan_is_answered_the_walk_recorded_and_the_journal_freed(bridge: Bridge) -> None:
    bridge.start("desired", "ingest", "decide")
    pass_ = await a_guest(bridge.premises)
    async with alive(await bridge.gate("entrance")) as gate:
        shown = await gate.present(pass_, "in")
        assert (shown.verdict, shown.source, shown.passed) == ("admit", "online", True)
        await gate.wait_drained(10)
    kinds = await bridge.rows("SELECT kind, admit FROM access_log ORDER BY id")
    assert ("decision", True) in kinds
    assert ("passage", None) in [(kind, None) for kind, _ in kinds]
    assert await bridge.rows("SELECT action FROM visits") == [("enter",)]

    async def traced() -> bool:
        return await bridge.rows("SELECT admit, reason FROM decisions") == [(True, "ok")]

    await eventually(traced)


async def test_a_gate_is_shown_online_and_after_its_farewell_offline(bridge: Bridge) -> None:
    bridge.start("desired", "ingest")
    entrance = bridge.premises.ids["entrance"]

    async def link() -> str:
        return str((await bridge.premises.ask("guard", "access.get_gate", gate_id=entrance)).link)

    async def online() -> bool:
        return await link() == "online"

    async def offline() -> bool:
        return await link() == "offline"

    async with alive(await bridge.gate("entrance")):
        await eventually(online)
    await eventually(offline)


async def test_what_happens_while_ingestion_is_away_is_recorded_once_when_it_is_back(bridge: Bridge) -> None:
    bridge.start("desired", "decide")
    passes = [await a_guest(bridge.premises) for _ in range(5)]
    async with alive(await bridge.gate("entrance")) as gate:
        for pass_ in passes:
            assert (await gate.present(pass_, "in")).passed
        assert await bridge.rows("SELECT 1 FROM access_log") == []
        bridge.start("ingest")
        await gate.wait_drained(20)
        await bridge.stop("ingest")
        bridge.start("ingest")
        assert (await gate.present(passes[0], "out")).passed
        await gate.wait_drained(20)
    (counts,) = await bridge.rows(
        "SELECT count(*), count(DISTINCT (gate_id, epoch, seq)), count(*) FILTER (WHERE kind = 'passage') "
        "FROM access_log"
    )
    assert counts[0] == counts[1]
    assert counts[2] == 6
    assert await bridge.rows("SELECT inside FROM zones WHERE ordinal = 0") == [(4,)]


async def test_a_gate_without_an_answer_decides_by_itself_and_says_so(bridge: Bridge) -> None:
    bridge.start("desired", "ingest")
    pass_ = await a_guest(bridge.premises)
    async with alive(await bridge.gate("entrance", policy="signed_ok")) as gate:
        shown = await gate.present(pass_, "in")
        assert (shown.verdict, shown.source, shown.passed) == ("admit", "offline", True)
        await gate.wait_drained(10)
    assert await bridge.rows("SELECT DISTINCT source FROM access_log WHERE kind = 'decision'") == [
        ("offline",)
    ]


async def test_junk_goes_to_quarantine_and_stops_nobody(bridge: Bridge) -> None:
    bridge.start("desired", "ingest", "decide")
    pass_ = await a_guest(bridge.premises)
    async with alive(await bridge.gate("entrance")) as gate:
        topic = wire.topic(bridge.premises.ids["site"], gate.plan.gate_id, "up/evt")
        for payload in (b"not json", b'{"e":"00"}', b"[]", bytes(100), b'{"k":"passage"}'):
            assert gate._link.post(topic, payload, qos=1)
        assert (await gate.present(pass_, "in")).passed
        await gate.wait_drained(10)

        async def kept() -> bool:
            return len(await bridge.rows("SELECT reason FROM quarantine")) == 5

        await eventually(kept)


async def test_a_new_password_throws_the_old_one_out(bridge: Bridge) -> None:
    bridge.start("desired", "ingest")
    old = await bridge.gate("entrance")
    async with alive(old):
        await bridge.premises.ask("manager", "access.provision_gate", gate_id=bridge.premises.ids["entrance"])
        await eventually(lambda: not old.connected, timeout_s=10)


async def test_an_account_the_broker_lost_is_sent_again(bridge: Bridge) -> None:
    bridge.start("desired")
    gate = await bridge.gate("entrance")
    await bridge.premises.house.call(SERVICE, "access.reapply_device_accounts")
    await eventually(bridge._applied, timeout_s=10)
    async with alive(gate):
        assert gate.connected


async def test_an_event_the_database_cannot_hold_is_kept_apart_from_the_others(bridge: Bridge) -> None:
    """A zero character passes JSON and no PostgreSQL text."""
    bridge.start("ingest")
    ask = asks(bridge.premises.house.runtime)
    client = Client(ingest.settings(bridge._url("ingest"), client_id="svc-other"))
    events = [
        _sealed(seq, {"note": "a\0b"} if seq == 2 else {}, gate_id=bridge.premises.ids["entrance"])
        for seq in (1, 2, 3)
    ]
    taken = intake.read(
        [Received("gh/1/1/1/up/evt", wire.encode(one), 1, False, False, 1, 1) for one in events]
    )
    await ingest.Ingest(client, ask)._settle(taken)
    assert await bridge.rows("SELECT seq FROM access_log ORDER BY seq") == [(1,), (3,)]
    assert len(await bridge.rows("SELECT 1 FROM quarantine")) == 1
    assert await bridge.rows("SELECT watermark FROM gate_epochs") == [(3,)]


def _sealed(seq: int, extra: dict[str, str], *, gate_id: int) -> wire.Event:
    return wire.seal(
        wire.Event(
            epoch="00000000000000aa",
            seq=seq,
            at_ms=1_772_000_000_000,
            clock="ok",
            kind="boot",
            source="online",
            previous_hash=wire.GENESIS,
            hash=wire.GENESIS,
            extra=extra,  # type: ignore[arg-type]  # flat text
        ),
        wire.GENESIS,
    )


async def test_a_lockdown_reaches_gates_that_are_there_and_those_that_come_back(bridge: Bridge) -> None:
    bridge.start("desired", "ingest", "decide", "orders")
    premises, pass_ = bridge.premises, await a_guest(bridge.premises)
    site_id = premises.ids["site"]

    async def confirmed() -> dict[str, bool]:
        listed = await premises.ask("guard", "access.list_orders", site_id=site_id)
        return {one.name: one.confirmed_at is not None for one in listed}

    async def both() -> bool:
        return await confirmed() == {"entrance": True, "door": True}

    async def only_the_entrance() -> bool:
        return await confirmed() == {"entrance": True, "door": False}

    door = await bridge.gate("door")
    async with alive(await bridge.gate("entrance")) as entrance:
        await premises.ask("guard", "access.order_site", site_id=site_id, mode="lockdown", reason="a drill")
        await eventually(only_the_entrance)
        assert (await entrance.present(pass_, "in")).reason == "lockdown"
        async with alive(door):
            await eventually(both)


async def test_a_device_that_is_switched_off_is_out_within_a_second_and_its_journal_comes_later(
    bridge: Bridge,
) -> None:
    bridge.start("desired", "ingest")
    premises, pass_ = bridge.premises, await a_guest(bridge.premises)
    device: dict[str, Any] = {"gate_id": premises.ids["entrance"], "reason": "a test"}
    within_s = list[float]()
    async with alive(await bridge.gate("entrance", policy="signed_ok")) as gate:
        # three times, of which the fastest counts: the machine may be busy with something else
        for _ in range(3):
            await gate.wait_connected(10)
            began = time.monotonic()
            await premises.ask("manager", "access.disable_device", **device)
            await eventually(lambda: not gate.connected, timeout_s=10)
            within_s.append(time.monotonic() - began)
            assert (await gate.present(pass_, "in")).passed
            assert (await gate.present(pass_, "out")).passed
            await premises.ask("manager", "access.enable_device", **device)
        await gate.wait_drained(20)
    assert min(within_s) < 1
    kinds = await bridge.rows("SELECT count(*) FROM access_log WHERE kind = 'passage' AND source = 'offline'")
    assert kinds == [(6,)]


async def test_it_is_noted_when_a_gate_is_asked_for_what_is_missing(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "WANT_AFTER_S", 0.0)
    ask = asks(bridge.premises.house.runtime)
    client = Client(ingest.settings(bridge._url("ingest"), client_id="svc-other"))
    gate_id = bridge.premises.ids["entrance"]
    events = [_sealed(seq, {}, gate_id=gate_id) for seq in (1, 3)]
    taken = intake.read(
        [Received(f"gh/1/1/{gate_id}/up/evt", wire.encode(one), 1, False, False, 1, 1) for one in events]
    )
    await ingest.Ingest(client, ask)._settle(taken)
    assert await bridge.rows("SELECT asked_at IS NOT NULL FROM gate_epochs") == [(True,)]


async def test_a_guard_opens_a_gate_and_sees_that_it_did(bridge: Bridge) -> None:
    bridge.start("desired", "ingest", "orders")
    premises, entrance = bridge.premises, bridge.premises.ids["entrance"]
    given = {"verb": "open", "direction": "in", "reason": "a parcel"}
    async with alive(await bridge.gate("entrance")) as gate:
        await premises.ask("guard", "access.command_gate", gate_id=entrance, **given)

        async def done() -> bool:
            listed = await premises.ask("guard", "access.list_commands", gate_id=entrance)
            return [one.state for one in listed.items] == ["done"]

        await eventually(done)
        await gate.wait_drained(10)
    assert await bridge.rows("SELECT inside FROM zones WHERE ordinal = 0") == [(1,)]
