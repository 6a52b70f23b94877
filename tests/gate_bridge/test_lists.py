"""Gates get their list over a real broker, hear of a revocation at once, and decide by it when nobody answers.

Proves: gate_bridge/lists.py
"""

import asyncio
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from gate_bridge.calls import asks
from gate_bridge.inbox import Received
from gate_bridge.lists import ASKS, Answers, Lists
from simulators.journal import Journal
from simulators.turnstile import Turnstile
from tests.eventually import eventually
from tests.gate_bridge import test_bridge
from tests.gate_bridge.test_bridge import Bridge, alive

bridge = test_bridge.bridge


async def list_ok(bridge: Bridge) -> None:
    """Have the hall decided alone by the list."""
    zone: dict[str, Any] = {"zone_id": bridge.premises.ids["hall"], "offline_policy": "list_ok"}
    await bridge.premises.ask("manager", "access.change_zone", **zone)


def start(bridge: Bridge, *parts: str) -> None:
    ask, url = asks(bridge.premises.house.runtime), bridge._url("control")
    for part in parts:
        running = Lists(url, ask) if part == "lists" else Answers(url, ask)
        bridge.running[part] = bridge.tasks.create_task(running.run())


async def confirmed(bridge: Bridge, guest: int, *gates: str) -> bool:
    members: dict[str, Any] = {"guest_pass_id": guest}
    said = await bridge.premises.ask("guard", "access.list_guest_pass_confirmations", **members)
    return {gate.name for gate in said.gates if gate.has} == set(gates)


async def a_guest_pass(bridge: Bridge) -> Any:
    now = bridge.premises.now
    window = {"start": now.isoformat(), "end": (now + timedelta(hours=1)).isoformat()}
    return await bridge.premises.ask("member", "access.create_guest_pass", guest_name="Ada", **window)


async def test_a_revocation_reaches_gates_is_confirmed_by_each_and_holds_without_a_link(bridge: Bridge):
    await list_ok(bridge)
    bridge.start("desired", "ingest")
    start(bridge, "lists", "answers")
    guest, other = await a_guest_pass(bridge), await a_guest_pass(bridge)
    async with alive(await bridge.gate("entrance")) as gate, alive(await bridge.gate("door")):
        await eventually(lambda: confirmed(bridge, guest.guest_pass_id, "entrance", "door"))
        assert (await gate.present(guest.qr_token, "in")).reason == "ok"
        assert (await gate.present(guest.qr_token, "out")).reason == "ok"

        await bridge.premises.ask("member", "access.revoke_guest_pass", guest_pass_id=guest.guest_pass_id)
        await eventually(lambda: confirmed(bridge, guest.guest_pass_id, "entrance", "door"))

        shown = await gate.present(guest.qr_token, "in")
        assert (shown.reason, shown.source) == ("revoked", "offline")
        assert (await gate.present(other.qr_token, "in")).reason == "ok"


async def test_a_gate_that_was_away_catches_up_and_one_without_a_link_has_what_it_last_had(bridge: Bridge):
    await list_ok(bridge)
    bridge.start("desired", "ingest")
    start(bridge, "lists", "answers")
    guest = await a_guest_pass(bridge)
    door = await bridge.gate("door")
    async with alive(await bridge.gate("entrance")):
        await eventually(lambda: confirmed(bridge, guest.guest_pass_id, "entrance"))
        await bridge.premises.ask("member", "access.revoke_guest_pass", guest_pass_id=guest.guest_pass_id)
        await eventually(lambda: confirmed(bridge, guest.guest_pass_id, "entrance"))
        async with alive(door):
            await eventually(lambda: confirmed(bridge, guest.guest_pass_id, "entrance", "door"))


async def test_a_card_opens_without_a_link_at_a_gate_that_starts_without_one(bridge: Bridge):
    await list_ok(bridge)
    bridge.start("desired", "ingest")
    start(bridge, "lists", "answers")
    guest = await a_guest_pass(bridge)
    card = {"pass_id": guest.pass_id, "kind": "nfc", "value": "04:A2:2B:9A"}
    await bridge.premises.ask("desk", "access.add_credential", **card)
    gate = await bridge.gate("entrance")
    async with alive(gate):
        await eventually(lambda: confirmed(bridge, guest.guest_pass_id, "entrance"))
    journal = Journal.open(bridge.folder / f"{gate.plan.gate_id}.journal")
    cut_off = Turnstile(gate.plan, journal, broker="mqtt://127.0.0.1:1", keys={})
    life = asyncio.create_task(cut_off.run())

    shown = await cut_off.present("04a22b9a", "in", method="nfc")
    unknown = await cut_off.present("04a22b9b", "in", method="nfc")
    by_qr = await cut_off.present(guest.qr_token, "in")
    life.cancel()
    await asyncio.wait([life])

    assert (shown.reason, shown.source, unknown.reason) == ("ok", "offline", "unknown")
    assert by_qr.reason == "passback"  # the keys of passes come with the list


async def test_a_gate_that_asks_without_end_is_not_answered_without_end(bridge: Bridge):
    answers = Answers(bridge.broker.url, asks(bridge.premises.house.runtime))
    asked = Received("gh/1/1/7/up/al/get", b"{}", 1, False, False, 1, 1)

    heard = [await answers._read(asked) for _ in range(ASKS + 3)]

    assert heard == [(1, 7, 0)] * ASKS + [None] * 3
    assert await answers._read(replace(asked, topic="gh/1/1/8/up/al/get")) == (1, 8, 0)


async def test_a_question_that_cannot_be_read_is_put_aside_and_a_retained_one_passed_over(bridge: Bridge):
    answers = Answers(bridge.broker.url, asks(bridge.premises.house.runtime))

    assert await answers._read(Received("gh/1/1/7/up/al/get", b'{"rev": "x"}', 1, False, False, 1, 1)) is None
    assert await answers._read(Received("gh/1/1/7/up/al/get", b"{}", 1, True, False, 1, 1)) is None

    kept = await bridge.rows("SELECT topic, payload, split_part(reason, ':', 1) FROM quarantine")
    assert kept == [("gh/1/1/7/up/al/get", b'{"rev": "x"}', "rev")]
