"""Whatever is said that nobody should believe, the log is the union of the journals; see `test_gates.py`."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from domain.kernel.caller import SERVICE
from gate_bridge import ingest, wire
from gate_bridge.client import Client, Settings
from gatehouse.brokers import account_url
from gatehouse.parts import process_of
from simulators.faults import LateWill, Offline, Poison, StaleCommand
from simulators.poison import STRANGE_EPOCH, poison
from tests.chaos.at_work import Work, at_work, ended
from tests.chaos.world import HOUSE, SECRET, Fleet, a_token
from tests.eventually import eventually

pytestmark = pytest.mark.crash
LONG_S = 600.0
"""Until the plan is changed."""
READ = (*ingest.LEGS, "up/scan")


async def test_poison_of_every_kind_is_kept_apart_and_stops_nobody(own_folder: Path, database: str):
    async with at_work(own_folder, database, roles=("ingest", "decide")) as work:
        # Poison is in no journal: whoever should have it has to be there.
        await work.made.goes_on(by=10)
        await work.until("SELECT count(*) FROM decisions")
        poisoned = work.made.fleets[0]
        work.strike(poisoned, Poison(at_s=0))
        # Of a batch its events are kept, which are sent alone as well.
        due = {payload for _, leg, payload in poison() if leg in READ and b'"ev"' not in payload}

        async def kept_apart() -> None:
            rows = await work.made.ask("SELECT payload FROM quarantine")
            assert {bytes(row[0]) for row in rows} == due

        await eventually(kept_apart, timeout_s=30)
        await work.until("SELECT count(*) FROM quarantine WHERE reason LIKE 'ev[8]%'")
        await work.made.goes_on(by=20)
        # The strange epoch of what could nearly be read is noted, so that no journal waits for it for ever.
        await work.until("SELECT count(*) FROM gate_epochs WHERE epoch = $1", bytes.fromhex(STRANGE_EPOCH))
        kept = "SELECT reason FROM quarantine WHERE gate_id = $1 AND payload = ANY($2)"
        reasons = await work.made.ask(kept, poisoned.gate.gate_id, sorted(due))
        strange = f"({poisoned.gate.gate_id}, '{STRANGE_EPOCH}')"
        told = [f"quarantine: {reason}" for (reason,) in reasons]
        work.expected = {re.escape(line) for line in (*told, f"watermark: {strange} is (1, 1), not None")}


async def test_an_account_disabled_while_connected_is_out_at_once_and_its_journal_comes_later(
    own_folder: Path, database: str
):
    async with at_work(own_folder, database, roles=("ingest", "work")) as work:
        revoked, other, _ = work.made.fleets
        await work.has(revoked, "passage")
        await _allow(work, revoked, enabled=False)
        log, name = own_folder / "log" / "simulators-fleet.json", revoked.gate.gate_id
        await eventually(lambda: f"gate {name} lost its link" in log.read_text(), timeout_s=5)
        await eventually(lambda: f"gate {name} has no link: refused" in log.read_text(), timeout_s=10)
        await work.caught_up(other)
        told = len(await work.kinds(revoked))
        await work.walked(by=6)
        await work.caught_up(other)
        assert len(await work.kinds(revoked)) == told
        await _allow(work, revoked, enabled=True)


async def test_a_will_that_comes_after_the_rebirth_is_not_believed(own_folder: Path, database: str):
    async with at_work(own_folder, database, roles=()) as work:
        first, alive = await work.made.gatehouse("ingest"), work.made.fleets[0]
        await work.has(alive, "passage")
        async with _listening(work, wire.topic(alive.gate.site_id, alive.gate.gate_id, "up/state")) as heard:
            work.strike(alive, LateWill(at_s=0))
            await eventually(lambda: any(isinstance(said, wire.Death) for said in heard), timeout_s=20)
            deaths = [said.session for said in heard if isinstance(said, wire.Death)]
            births = [said.session for said in heard if isinstance(said, wire.Birth)]
            assert deaths[-1] < births[-1]
        await ended(first)
        # It is what the broker keeps of the gate, and so the first thing that the next one hears.
        await work.made.gatehouse("ingest")
        await work.made.goes_on(by=10)
        assert await work.count("SELECT count(*) FROM gates WHERE link = 'online'") == len(work.made.fleets)


async def test_a_command_that_comes_an_hour_late_is_never_obeyed(own_folder: Path, database: str):
    async with at_work(own_folder, database, gates=1, walkers=False) as work:
        gate = work.made.fleets[0]
        await work.has(gate, "boot")
        topic = wire.topic(gate.gate.site_id, gate.gate.gate_id, "dn/cmd")
        command = await _opened_an_hour_ago(work, gate)
        url = account_url(work.made.broker.url, "control", SECRET)
        client = Client(Settings(url=url, client_id="svc-control-late"))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(client.run())
            await client.publish(topic, command)
            running.cancel()
        await work.has(gate, "cmd")
        work.strike(gate, StaleCommand(at_s=0))
        await work.has(gate, "cmd", 2)

        said = "SELECT reason FROM access_log WHERE kind = 'cmd' ORDER BY id"
        assert [row[0] for row in await work.made.ask(said)] == ["expired", "replayed"]
        assert "passage" not in await work.kinds(gate)


async def test_a_pass_let_in_at_two_gates_that_were_alone_is_found_and_told(own_folder: Path, database: str):
    async with at_work(own_folder, database, gates=2, walkers=False) as work:
        gates = work.made.fleets
        async with process_of(work.made.settings) as process:
            token = await a_token(process.runtime, gates[0].gate.site_id, entries="single")
        for gate in gates:
            await work.has(gate, "boot")
        # Each of them has a process of its own, and knows of no other gate.
        for gate in gates:
            work.strike(gate, Offline(at_s=0, lasts_s=LONG_S))
        log = own_folder / "log" / "simulators-fleet.json"
        await eventually(lambda: log.read_text().count("meets Offline") == len(gates), timeout_s=20)
        shown = [await work.shown(gate, token) for gate in gates]
        assert [(one.passed, one.source) for one in shown] == [(True, "offline")] * 2
        for gate in gates:
            work.strike(gate)

        told = "SELECT detail FROM alarms WHERE kind = 'double_use' AND state = 'raised' AND site_id = $1"
        site_id = gates[0].gate.site_id
        await work.until(f"SELECT count(*) FROM ({told}) AS told", site_id)
        detail = msgspec.json.decode((await work.made.ask(told, site_id))[0][0])
        assert sorted(detail["gates"]) == sorted(gate.gate.gate_id for gate in gates)


async def _allow(work: Work, fleet: Fleet, *, enabled: bool) -> None:
    change = "UPDATE devices SET enabled = $1, revision = revision + 1 WHERE gate_id = $2"
    await work.made.ask(change, enabled, fleet.gate.gate_id)


@asynccontextmanager
async def _listening(work: Work, topic: str) -> AsyncIterator[list[wire.Message]]:
    """Hear what a gate says of itself, the retained word first."""
    url = account_url(work.made.broker.url, "ingest", SECRET)
    client = Client(Settings(url=url, client_id="svc-ingest-too", subscriptions=((topic, 1),)))
    heard = list[wire.Message]()

    async def listen() -> None:
        async for message in client:
            heard.append(wire.parse(message.topic, message.payload).message)
            client.ack([message])

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(client.run()), tasks.create_task(listen())]
        await eventually(lambda: heard, timeout_s=10)
        yield heard
        for one in running:
            one.cancel()


async def _opened_an_hour_ago(work: Work, fleet: Fleet) -> bytes:
    """Return the order to open, signed, as a broker or a thief might have kept it for an hour."""
    async with process_of(work.made.settings) as process:
        now = process.runtime.clock

        def an_hour_ago() -> datetime:
            return now() - timedelta(hours=1)

        process.runtime.clock = an_hour_ago
        order = {"gateId": fleet.gate.gate_id, "verb": "open", "direction": "in", "reason": "A delivery"}
        await process.runtime.call(HOUSE, "access.command_gate", order)
        (waiting,) = await process.runtime.call(SERVICE, "access.list_waiting_commands", {})
        return bytes(msgspec.json.encode(waiting.members))
