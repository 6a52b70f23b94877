"""What MQTT 5 adds to the conversation of gates and bridge, births asked for again, and what is wrong at a gate.

Proves: gate_bridge/decide.py, gate_bridge/ingest.py, gate_bridge/orders.py, gate_bridge/intake.py
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.access.operations.gate_conditions import GateConditions
from gate_bridge import rebirths, wire
from gate_bridge.client import Client, Received, Settings
from tests.eventually import eventually
from tests.gate_bridge.test_bridge import Bridge, a_guest, alive, bridge

__all__ = ["bridge"]

EPOCH = "00000000000000aa"


@asynccontextmanager
async def stranger(bridge: Bridge, name: str) -> AsyncIterator[Client]:
    """A gate of another maker: its account is good, and the test speaks for it."""
    gate = await bridge.gate(name)
    site_id, gate_id = gate.plan.site_id, gate.plan.gate_id
    gate.journal.close()
    url = bridge.broker.url.replace("://", f"://{gate_id}:{gate.plan.password}@")
    down = wire.topic(site_id, gate_id, "dn/dec").removesuffix("dec") + "#"
    client = Client(Settings(url=url, client_id=str(gate_id), subscriptions=((down, 1),)))
    async with asyncio.TaskGroup() as tasks:
        life = tasks.create_task(client.run())
        await client.wait_connected(10)
        yield client
        life.cancel()


async def heard(client: Client, leg: str) -> Received:
    """The next message of this leg."""
    async with asyncio.timeout(10):
        async for message in client:
            client.ack([message])
            if message.topic.endswith(leg):
                return message
    raise AssertionError("the connection ended")


def scan(token: str, rid: str) -> bytes:
    asked = wire.Scan(
        epoch=EPOCH, request_id=rid, method="qr", token=token, direction="in", at_ms=1, expires_ms=2
    )
    return wire.encode(asked)


def topic(bridge: Bridge, name: str, leg: wire.Leg) -> str:
    return wire.topic(bridge.premises.ids["site"], bridge.premises.ids[name], leg)


async def test_an_answer_carries_what_the_scan_carried_and_goes_where_answers_go(bridge: Bridge) -> None:
    bridge.start("desired", "decide")
    pass_ = await a_guest(bridge.premises)
    async with stranger(bridge, "entrance") as gate:
        wanted = wire.Properties(response_topic=topic(bridge, "door", "dn/dec"), correlation=b"r\x001")
        await gate.publish(topic(bridge, "entrance", "up/scan"), scan(pass_, "a" * 16), properties=wanted)

        answer = await heard(gate, "dn/dec")

    told = wire.parse(answer.topic, answer.payload).message
    assert isinstance(told, wire.Decision) and told.request_id == "a" * 16
    assert answer.properties.correlation == b"r\x001"
    assert answer.properties.expires_s is not None and answer.properties.expires_s <= 2


async def test_a_scan_that_somebody_kept_is_not_answered(bridge: Bridge) -> None:
    bridge.start("desired")
    pass_ = await a_guest(bridge.premises)
    async with stranger(bridge, "entrance") as gate:
        asked = topic(bridge, "entrance", "up/scan")
        await gate.publish(asked, scan(pass_, "a" * 16), retained=True)
        bridge.start("decide")

        async def answered() -> bool:
            await gate.publish(asked, scan(pass_, "b" * 16))
            return bool(await gate.batch(patience_s=0.1))

        await eventually(answered, timeout_s=10)
    decided = await bridge.rows("SELECT DISTINCT rid FROM decisions")
    assert (("a" * 16),) not in decided


async def test_a_command_dies_at_the_broker_too_and_says_where_to_answer(bridge: Bridge) -> None:
    bridge.start("desired", "orders")
    async with stranger(bridge, "entrance") as gate:
        gate_id = bridge.premises.ids["entrance"]
        given = await bridge.premises.ask(
            "guard", "access.command_gate", gate_id=gate_id, verb="identify", reason="a test"
        )

        command = await heard(gate, "dn/cmd")

    said = command.properties
    assert said.response_topic == topic(bridge, "entrance", "up/res")
    assert said.correlation == given.command_id.encode()
    assert said.expires_s is not None and said.expires_s <= 5 and not command.retained


async def test_a_gate_nobody_saw_the_birth_of_is_asked_for_it_now_and_then(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge.start("desired", "ingest")
    async with stranger(bridge, "entrance") as gate:
        beat = wire.encode(
            wire.Heartbeat(epoch=EPOCH, session=3, last_seq=0, acknowledged_seq=0, queue_depth=0)
        )
        for _ in range(5):
            await gate.publish(topic(bridge, "entrance", "up/hb"), beat)
        want = await heard(gate, "dn/want")
        assert wire.parse(want.topic, want.payload).message == wire.Want(epoch=EPOCH, rebirth=1)
        assert want.properties.expires_s is not None and want.properties.expires_s <= 30
        assert await gate.batch(patience_s=0.5) == []

        monkeypatch.setattr(rebirths, "ASK_AGAIN_AFTER_S", 0)
        await gate.publish(topic(bridge, "entrance", "up/hb"), beat)
        await heard(gate, "dn/want")
        birth = wire.Birth(epoch=EPOCH, session=3, journal=wire.JournalRange(0, 0), clock_ms=1)
        await gate.publish(topic(bridge, "entrance", "up/state"), wire.encode(birth), retained=True)
        await gate.publish(topic(bridge, "entrance", "up/hb"), beat)
        assert await gate.batch(patience_s=0.5) == []


async def test_a_gate_answers_with_all_that_there_is_to_know(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebirths, "KNOWN_FOR_S", 0)
    bridge.start("desired", "ingest")
    premises = bridge.premises
    async with alive(await bridge.gate("entrance")) as gate:
        gate.alarm("jam", on=True)

        async def raised() -> bool:
            return await bridge.rows("SELECT kind, state, count FROM alarms") == [("jam", "raised", 1)]

        async def as_ever() -> bool:
            row = (gate.journal.session, "online")
            return await bridge.rows("SELECT birth, link FROM gates WHERE name = 'entrance'") == [row]

        await eventually(raised, timeout_s=10)
        nothing = GateConditions(gate_id=gate.plan.gate_id, conditions=[])
        await premises.serve("access.report_conditions", gates=[nothing])
        await bridge.execute("UPDATE gates SET birth = 0, epoch = NULL, link = 'unknown'")
        gate._heartbeat()
        await eventually(as_ever, timeout_s=10)

        async def raised_again() -> bool:
            kinds = await bridge.rows("SELECT kind, state, count FROM alarms ORDER BY id")
            return kinds == [("jam", "cleared", 1), ("jam", "raised", 1)]

        await eventually(raised_again, timeout_s=10)


async def test_what_is_wrong_at_a_gate_is_told_again_after_each_restart_and_counts_once(
    bridge: Bridge,
) -> None:
    bridge.start("desired", "ingest")
    async with alive(await bridge.gate("entrance")) as gate:
        gate.alarm("held_open", on=True)
        await gate.wait_drained(10)
        for _ in range(2):
            await bridge.stop("ingest")
            bridge.start("ingest")
            gate.alarm("jam", on=True)
            gate.alarm("jam", on=False)
            await gate.wait_drained(10)

        async def settled() -> bool:
            counted = await bridge.rows("SELECT kind, state, count FROM alarms ORDER BY id")
            return counted == [("held_open", "raised", 1), ("jam", "cleared", 1), ("jam", "cleared", 1)]

        await eventually(settled, timeout_s=10)
