"""A gate asks, decides itself when it must, and tells everything exactly once in the end.

Proves: simulators/turnstile.py, simulators/self_report.py, simulators/presented.py, simulators/alone.py
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from domain.access.rules import token
from domain.access.rules.token import Flag
from gate_bridge import wire
from simulators import upload
from simulators.journal import Journal
from simulators.plan import GatePlan, Zone
from simulators.turnstile import Turnstile
from tests.eventually import eventually
from tests.gate_server import admit, deny, gate_server, silence
from tests.passes import PUBLIC_KEYS, a_pass
from tests.private_broker import PrivateBroker

KEYS = {int(number): token.public_key(text) for number, text in PUBLIC_KEYS.items()}
PLAN = GatePlan(gate_id=1, site_id=1, password="", to_zone=Zone(zone_id=3, ordinal=0), walk_s=0)


@asynccontextmanager
async def turnstile(url: str, folder: Path, plan: GatePlan = PLAN) -> AsyncIterator[Turnstile]:
    """A running gate, not necessarily with a link."""
    journal = Journal.open(folder / f"{plan.gate_id}.journal", keep=True)
    gate = Turnstile(plan, journal, broker=url, keys=KEYS)
    async with asyncio.TaskGroup() as group:
        life = group.create_task(gate.run())
        await eventually(lambda: gate.journal.last_seq > 0)
        try:
            yield gate
        finally:
            life.cancel()


@asynccontextmanager
async def connected(url: str, folder: Path, **changes: Any) -> AsyncIterator[Turnstile]:
    """A running gate with its link."""
    async with turnstile(url, folder, replace(PLAN, **changes)) as gate:
        await gate.wait_connected(5)
        yield gate


async def test_an_admitted_person_walks_through_and_the_server_has_it_all(
    broker: PrivateBroker, tmp_path: Path
):
    async with gate_server(broker.url) as server, connected(broker.url, tmp_path) as gate:
        presented = await gate.present(a_pass(7), "in")
        await gate.wait_drained(5)

        assert (presented.verdict, presented.passed, presented.source) == ("admit", True, "online")
        assert server.kinds() == ["boot", "decision", "passage"]
        decision = server.rows[(1, gate.journal.epoch, 2)]
        assert (decision.pass_id, decision.direction, decision.zone_id) == (7, "in", 3)
        assert (decision.result, decision.decision_id, decision.source) == ("admit", "d1", "online")
        assert decision.request_id == presented.request_id == server.scans[0].request_id


async def test_a_refused_person_stays_outside_and_hears_why(broker: PrivateBroker, tmp_path: Path):
    async with gate_server(broker.url, deny) as server, connected(broker.url, tmp_path) as gate:
        presented = await gate.present(a_pass(), "in")
        await gate.wait_drained(5)

        assert (presented.verdict, presented.reason, presented.passed) == ("deny", "full", False)
        assert presented.text == "This area is full."
        assert server.kinds() == ["boot", "decision"]


async def test_who_does_not_walk_is_told_too(broker: PrivateBroker, tmp_path: Path):
    async with gate_server(broker.url) as server, connected(broker.url, tmp_path) as gate:
        presented = await gate.present(a_pass(), "in", walk=False)
        await gate.wait_drained(5)

        assert not presented.passed
        assert server.kinds() == ["boot", "decision", "no_passage"]


async def test_a_silent_server_is_asked_twice_and_then_the_gate_decides(
    broker: PrivateBroker, tmp_path: Path
):
    async with gate_server(broker.url, silence) as server, connected(broker.url, tmp_path) as gate:
        presented = await gate.present(a_pass(), "in")
        await gate.wait_drained(5)

        assert (presented.verdict, presented.source) == ("admit", "offline")
        assert 400 <= presented.milliseconds < 1000
        assert [scan.attempt for scan in server.scans] == [1, 2]
        assert len({scan.request_id for scan in server.scans}) == 1
        assert server.rows[(1, gate.journal.epoch, 2)].source == "offline"


async def test_a_retry_is_enough_when_the_first_answer_is_lost(broker: PrivateBroker, tmp_path: Path):
    def second(scan: wire.Scan) -> wire.Decision | None:
        return admit(scan) if scan.attempt == 2 else None

    async with gate_server(broker.url, second), connected(broker.url, tmp_path) as gate:
        assert (await gate.present(a_pass(), "in")).source == "online"


async def test_a_late_or_foreign_answer_opens_nothing(broker: PrivateBroker, tmp_path: Path):
    async with (
        gate_server(broker.url, silence) as server,
        connected(broker.url, tmp_path, policy="deny") as gate,
    ):
        presented = await gate.present(a_pass(), "in")
        late = admit(server.scans[0])
        assert late is not None
        server.send(1, "dn/dec", late)
        server.send(1, "dn/dec", replace(late, request_id="0" * 16))
        again = await gate.present(a_pass(), "in")
        await gate.wait_drained(5)

        assert (presented.verdict, presented.reason, again.verdict) == ("deny", "offline", "deny")
        assert server.kinds() == ["boot", "decision", "decision"]


async def test_without_a_link_the_gate_decides_at_once_and_tells_later(broker: PrivateBroker, tmp_path: Path):
    broker.kill()
    async with turnstile(broker.url, tmp_path) as gate:
        first = await gate.present(a_pass(7, flags=Flag.SINGLE_ENTRY), "in")
        again = await gate.present(a_pass(7, flags=Flag.SINGLE_ENTRY), "in")
        expired = await gate.present(a_pass(8, begins_s=-7200), "in")
        forged = await gate.present(a_pass(9)[:-4] + "AAAA", "in")
        await broker.start()
        async with gate_server(broker.url) as server:
            await gate.wait_connected(10)
            await gate.wait_drained(20)

            assert server.kinds() == ["boot", "decision", "passage", "decision", "decision", "decision"]
            assert {leg for leg, _ in server.received} == {"batch"}
    assert [(one.reason, one.source) for one in (first, again, expired, forged)] == [
        ("ok", "offline"),
        ("already_used", "offline"),
        ("expired", "offline"),
        ("bad_sig", "offline"),
    ]
    assert first.milliseconds < 200


async def test_events_are_kept_until_acknowledged_and_sent_again(broker: PrivateBroker, tmp_path: Path):
    async with gate_server(broker.url) as server:
        server.acknowledges = False
        async with connected(broker.url, tmp_path) as gate:
            await gate.present(a_pass(), "in")
            await eventually(lambda: server.seqs() == [1, 2, 3])
            assert gate.journal.depth == 3
        server.received.clear()
        server.acknowledges = True
        async with connected(broker.url, tmp_path) as gate:
            await gate.wait_drained(5)
            assert [(leg, event.seq) for leg, event in server.received] == [
                ("batch", 1),
                ("batch", 2),
                ("batch", 3),
                ("batch", 4),
            ]


async def test_what_the_server_wants_is_sent_again(broker: PrivateBroker, tmp_path: Path):
    async with gate_server(broker.url) as server, connected(broker.url, tmp_path) as gate:
        server.acknowledges = False
        await gate.present(a_pass(), "in")
        await eventually(lambda: len(server.rows) == 3)
        births = len(server.states)
        server.received.clear()
        server.send(1, "dn/want", wire.Want(epoch=gate.journal.epoch, ranges=((2, 3),)))
        server.send(1, "dn/want", wire.Want(epoch="0" * 16, ranges=((1, 1),)))
        server.send(1, "dn/want", wire.Want(epoch=gate.journal.epoch, rebirth=1))
        await eventually(lambda: len(server.states) == births + 1)

        assert [(leg, event.seq) for leg, event in server.received] == [("batch", 2), ("batch", 3)]


async def test_acknowledgements_of_another_epoch_and_junk_are_ignored(broker: PrivateBroker, tmp_path: Path):
    async with gate_server(broker.url) as server, connected(broker.url, tmp_path) as gate:
        server.acknowledges = False
        server.send(1, "dn/ack", wire.Acknowledgement(epoch="0" * 16, up_to=1, at_ms=0))
        server.client.post("gh/1/1/1/dn/ack", b"junk", qos=1)
        server.client.post("gh/1/1/1/dn/tomorrow", b"{}", qos=1)
        await gate.present(a_pass(), "in")

        assert gate.journal.depth == 3


async def test_birth_and_will_name_the_same_connection(broker: PrivateBroker, tmp_path: Path):
    async with gate_server(broker.url) as server:
        async with connected(broker.url, tmp_path):
            await eventually(lambda: len(server.states) >= 1)
        await eventually(lambda: len(server.states) >= 2)
        async with connected(broker.url, tmp_path):
            await eventually(lambda: len(server.states) >= 3)

        birth, death, rebirth = server.states[:3]
        assert isinstance(birth, wire.Birth) and isinstance(death, wire.Death)
        assert (death.epoch, death.session) == (birth.epoch, birth.session)
        assert isinstance(rebirth, wire.Birth) and rebirth.session > birth.session
        assert server.beats[0].epoch == birth.epoch


async def test_an_alarm_is_told(broker: PrivateBroker, tmp_path: Path):
    async with gate_server(broker.url) as server, connected(broker.url, tmp_path) as gate:
        gate.alarm("held_open", on=True)
        gate.alarm("held_open", on=False)
        await gate.wait_drained(5)

        assert server.kinds() == ["boot", "alarm_on", "alarm_off"]
        assert server.rows[(1, gate.journal.epoch, 2)].extra == {"alarm": "held_open"}


async def test_what_is_wrong_is_said_when_it_begins_when_it_ends_and_after_each_birth(
    broker: PrivateBroker, tmp_path: Path
):
    async with gate_server(broker.url) as server, connected(broker.url, tmp_path) as gate:
        gate.alarm("held_open", on=True)
        gate.alarm("held_open", on=True)
        gate.alarm("of a kind of its own", on=True)
        await eventually(lambda: len(server.conditions) == 2)
        server.send(1, "dn/want", wire.Want(epoch=gate.journal.epoch, rebirth=1))
        await eventually(lambda: len(server.conditions) == 3)
        gate.alarm("held_open", on=False)
        await eventually(lambda: len(server.conditions) == 4)

        (began,) = [row for row in server.rows.values() if row.seq == 2]
        wrong = wire.Condition(kind="held_open", since_ms=began.at_ms, seq=2)
        assert [said.current for said in server.conditions] == [(), (wrong,), (wrong,), ()]


@pytest.mark.parametrize("mqtt", ["5", "3.1.1"])
async def test_a_scan_asks_for_an_answer_that_can_be_told_from_others(
    broker: PrivateBroker, tmp_path: Path, mqtt: str
):
    async with gate_server(broker.url) as server, connected(broker.url, tmp_path, mqtt=mqtt) as gate:
        presented = await gate.present(a_pass(), "in")
        asked = server.properties["scan"]

        assert presented.source == "online"
        assert asked == (
            wire.NO_PROPERTIES
            if mqtt == "3.1.1"
            else wire.Properties(
                expires_s=2,
                response_topic="gh/1/1/1/dn/dec",
                correlation=f"{gate.journal.epoch}{presented.request_id}".encode(),
            )
        )


async def test_what_is_late_says_so_and_a_heartbeat_is_soon_forgotten(broker: PrivateBroker, tmp_path: Path):
    broker.kill()
    async with turnstile(broker.url, tmp_path) as gate:
        await broker.start()
        async with gate_server(broker.url) as server:
            await gate.wait_drained(20)

            assert server.properties["batch"] == wire.Properties(historical=True)
            assert server.properties["hb"].expires_s == 30


async def test_a_killed_broker_costs_nothing(
    broker: PrivateBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(upload, "PATIENCE_S", 0.5)
    async with gate_server(broker.url) as server, connected(broker.url, tmp_path) as gate:
        for turn in range(30):
            await gate.present(a_pass(turn + 1), "in")
            if turn % 10 == 5:
                broker.kill()
                await gate.present(a_pass(100 + turn), "in")
                await broker.start()
        await gate.wait_drained(30)

        assert server.seqs() == [event.seq for event in gate.journal.all()]
        assert {event.seq: event for event in server.rows.values()} == {
            event.seq: event for event in gate.journal.all()
        }
