"""Who revokes a pass sees which gates know of it, by their own word, and since when.

Proves: domain/access/operations/list_confirmations.py, domain/access/tables/list_reports.py
"""

from datetime import timedelta
from typing import Any

import pytest

from domain.access.feeds import gates as gates_feed
from domain.access.operations import list_confirmations
from domain.access.operations.gate_states import Pulse
from domain.kernel.errors import NotFound
from tests.premises import Premises


async def a_guest(premises: Premises) -> int:
    window = {"start": premises.now.isoformat(), "end": (premises.now + timedelta(hours=8)).isoformat()}
    made = await premises.ask("member", "access.create_guest_pass", guest_name="Ada", **window)
    return int(made.guest_pass_id)


async def confirmations(premises: Premises, guest_pass_id: int, who: str = "guard") -> Any:
    return await premises.ask(who, "access.list_guest_pass_confirmations", guest_pass_id=guest_pass_id)


async def say(premises: Premises, gate: str, revision: int) -> None:
    """Have a gate say which list it has."""
    said = Pulse(gate_id=premises.ids[gate], session=1, last_seq=0, queue_depth=0, list_revision=revision)
    await premises.serve("access.report_pulses", pulses=[said])


def by_name(answer: Any) -> dict[str, tuple[bool, Any]]:
    return {gate.name: (gate.has, gate.since) for gate in answer.gates}


async def test_a_revocation_is_confirmed_gate_by_gate(premises: Premises):
    guest = await a_guest(premises)
    before = (await confirmations(premises, guest)).revision
    await say(premises, "entrance", before)
    premises.house.clock.now += timedelta(minutes=1)
    await premises.ask("member", "access.revoke_guest_pass", guest_pass_id=guest)

    asked = await confirmations(premises, guest, "member")
    assert asked.revision > before and asked.revoked_at == premises.now
    assert by_name(asked) == {"entrance": (False, None), "door": (False, None)} and asked.missing == 2
    premises.house.clock.now += timedelta(seconds=1)
    await say(premises, "door", asked.revision)
    heard = premises.now
    premises.house.clock.now += timedelta(seconds=1)
    await say(premises, "door", asked.revision + 5)
    await say(premises, "entrance", asked.revision - 1)

    now = await confirmations(premises, guest)
    assert by_name(now) == {"entrance": (False, None), "door": (True, heard)} and now.missing == 1


async def test_a_gate_that_falls_behind_again_has_it_no_longer(premises: Premises):
    guest = await a_guest(premises)
    revision = (await confirmations(premises, guest)).revision
    await say(premises, "door", revision)

    await say(premises, "door", 5)

    assert by_name(await confirmations(premises, guest))["door"] == (False, None)


async def test_a_badge_has_confirmations_too(premises: Premises):
    window = {"start": premises.now.isoformat(), "end": (premises.now + timedelta(days=9)).isoformat()}
    given: dict[str, Any] = {"site_id": premises.ids["site"], "kind": "badge", "holder_name": "Ada", **window}
    badge = (await premises.ask("desk", "access.create_pass", **given)).pass_id

    answer = await premises.ask("guard", "access.list_pass_confirmations", pass_id=badge)

    assert (answer.pass_id, answer.missing, len(answer.gates)) == (badge, 2, 2)
    with pytest.raises(NotFound):
        await premises.ask("guard", "access.list_pass_confirmations", pass_id=10**9)


async def test_strangers_hear_nothing_of_it(premises: Premises):
    guest = await a_guest(premises)

    with pytest.raises(NotFound):
        await confirmations(premises, guest, "stranger")


async def test_screens_see_which_list_a_gate_has(premises: Premises):
    guest = await a_guest(premises)
    revision = (await confirmations(premises, guest)).revision

    await say(premises, "door", revision)

    shown = await gates_of(premises)
    assert (shown["door"], shown["entrance"]) == (revision, 0)


async def gates_of(premises: Premises) -> dict[str, int]:
    runtime = premises.house.runtime
    async with runtime.readers() as db:
        ctx = runtime.context(premises.people["guard"], db)
        items = await gates_feed.begins(ctx, site_id=premises.ids["site"])  # type: ignore[misc]  # it has one
    return {item.data.name: item.data.health.list_revision for item in items}


async def test_what_gates_said_last_week_is_forgotten(premises: Premises):
    guest = await a_guest(premises)
    revision = (await confirmations(premises, guest)).revision
    await say(premises, "door", revision)
    premises.house.clock.now += list_confirmations.KEPT + timedelta(seconds=1)

    assert await premises.serve("access.forget_list_reports") == 1
    assert await premises.serve("access.forget_list_reports") == 0
    assert by_name(await confirmations(premises, guest))["door"] == (True, None)
