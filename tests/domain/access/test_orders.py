"""Guards order how gates shall be and what they shall do now, and see who has obeyed.

Proves: domain/access/operations/modes.py, domain/access/operations/commands.py, domain/access/operations/publishing.py
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain.access.operations.commands import Answer
from domain.access.operations.gate_states import Pulse
from domain.access.operations.publishing import Outgoing, Published
from domain.access.rules.orders import is_signed
from domain.access.rules.token import public_key
from domain.kernel.errors import Forbidden, Invalid, NotFound
from tests.premises import Gate, Premises


async def order(
    premises: Premises, mode: str, gate: str = "entrance", who: str = "guard", **more: Any
) -> Any:
    return await premises.ask(
        who, "access.order_gate", gate_id=premises.ids[gate], mode=mode, reason="a test", **more
    )


async def order_site(premises: Premises, mode: str, **more: Any) -> list[Any]:
    answer: list[Any] = await premises.ask(
        "guard", "access.order_site", site_id=premises.ids["site"], mode=mode, reason="a drill", **more
    )
    return answer


async def modes(premises: Premises) -> dict[str, str]:
    orders = await premises.ask("guard", "access.list_orders", site_id=premises.ids["site"])
    return {order.name: order.mode for order in orders}


async def a_guest(premises: Premises) -> str:
    window = {"start": premises.now.isoformat(), "end": (premises.now + timedelta(hours=1)).isoformat()}
    return str(
        (await premises.ask("member", "access.create_guest_pass", guest_name="Ada", **window)).qr_token
    )


async def unpublished(premises: Premises) -> list[Outgoing]:
    waiting: list[Outgoing] = await premises.serve("access.list_unpublished_orders")
    return waiting


async def the_key(premises: Premises) -> Ed25519PublicKey:
    entrance = premises.ids["entrance"]
    made = await premises.ask("manager", "access.provision_gate", gate_id=entrance)
    return public_key(made.pass_keys[1])


async def pulse(premises: Premises, revision: int, mode: str, gate: str = "entrance") -> None:
    said = Pulse(
        gate_id=premises.ids[gate], session=1, last_seq=0, queue_depth=0,
        reported_mode=mode, reported_revision=revision,
    )  # fmt: skip
    await premises.serve("access.report_pulses", pulses=[said])


async def test_a_locked_gate_lets_nobody_in_until_it_works_as_usual_again(premises: Premises):
    gate, pass_ = Gate(premises, premises.ids["entrance"]), await a_guest(premises)

    await order(premises, "locked")
    assert (await gate.scan(pass_)).reason == "lockdown"
    await order(premises, "normal")
    assert (await gate.scan(pass_, rid="r2")).admit


async def test_a_lockdown_goes_before_what_was_ordered_for_a_gate_and_leaves_it_afterwards(
    premises: Premises,
):
    await order(premises, "free")

    await order_site(premises, "lockdown")
    assert await modes(premises) == {"entrance": "lockdown", "door": "lockdown"}
    await order(premises, "free", gate="door")
    assert await modes(premises) == {"entrance": "lockdown", "door": "lockdown"}
    await order_site(premises, "normal")
    assert await modes(premises) == {"entrance": "free", "door": "free"}


async def test_a_gate_made_in_a_lockdown_is_locked_down_too(premises: Premises):
    await order_site(premises, "lockdown")

    made = await premises.ask(
        "manager",
        "access.create_gate",
        site_id=premises.ids["site"],
        name="new",
        to_zone_id=premises.ids["hall"],
    )

    assert made.mode == "lockdown"
    assert {one.gate_id for one in await unpublished(premises)} > {made.gate_id}


async def test_a_mode_ends_at_its_time(premises: Premises):
    ends = (premises.now + timedelta(hours=1)).isoformat()
    await order(premises, "free", until=ends)
    await order_site(premises, "lockdown", until=(premises.now + timedelta(minutes=10)).isoformat())

    assert await premises.serve("access.end_modes") == 0
    premises.house.clock.now += timedelta(minutes=10)
    assert await premises.serve("access.end_modes") == 1
    assert await modes(premises) == {"entrance": "free", "door": "normal"}
    premises.house.clock.now += timedelta(minutes=50)
    assert await premises.serve("access.end_modes") == 1
    assert await modes(premises) == {"entrance": "normal", "door": "normal"}
    assert await premises.serve("access.end_modes") == 0


async def test_an_end_in_the_past_is_refused_by_name(premises: Premises):
    with pytest.raises(Invalid) as refused:
        await order(premises, "free", until=(premises.now - timedelta(minutes=1)).isoformat())

    assert refused.value.problem()["errors"][0]["field"] == "until"


async def test_an_order_is_signed_for_its_gate_and_given_out_until_the_broker_has_it(premises: Premises):
    key = await the_key(premises)
    await order(premises, "locked")

    (out,) = await unpublished(premises)
    assert out.members["mode"] == "locked" and out.members["why"] == "a test"
    assert is_signed("desired", out.site_id, out.gate_id, out.members, key)
    await premises.serve("access.orders_published", orders=[Published(out.gate_id, out.revision - 1)])
    assert await unpublished(premises) == [out]
    await premises.serve("access.orders_published", orders=[Published(out.gate_id, out.revision)])
    assert await unpublished(premises) == []
    await premises.serve("access.republish_orders")
    assert await unpublished(premises) == [out]


async def test_revisions_grow_however_often_and_fast_one_orders(premises: Premises):
    given = [(await order(premises, mode)).revision for mode in ("free", "locked", "normal")]
    again = (await order(premises, "normal")).revision

    assert given == sorted(set(given))
    assert again == given[-1]


async def test_a_gate_has_obeyed_when_it_says_the_newest_order(premises: Premises):
    first = await order(premises, "free")
    second = await order(premises, "locked")

    async def confirmed() -> Any:
        orders = await premises.ask("desk", "access.list_orders", site_id=premises.ids["site"])
        return next(one.confirmed_at for one in orders if one.name == "entrance")

    await pulse(premises, first.revision, "free")
    assert await confirmed() is None
    await pulse(premises, second.revision, "free")
    assert await confirmed() is None
    await pulse(premises, second.revision, "locked")
    await pulse(premises, second.revision, "locked")
    assert await confirmed() == premises.now
    assert [fact.revision for fact in await premises.named("gate.obeyed")] == [second.revision]
    third = await order(premises, "normal")
    assert third.confirmed_at is None


async def test_orders_given_at_once_end_in_one_state_and_each_has_its_revision(premises: Premises):
    ordered = ("free", "locked", "normal", "free", "locked")

    await asyncio.gather(
        *(order(premises, mode) for mode in ordered),
        order_site(premises, "lockdown"),
        order_site(premises, "normal"),
    )

    facts = await premises.named("gate.ordered")
    mine = [fact for fact in facts if fact.gate_id == premises.ids["entrance"]]
    assert len({fact.revision for fact in mine}) == len(mine)
    assert max(mine, key=lambda fact: fact.revision).mode == (await modes(premises))["entrance"]


async def test_only_guards_and_managers_of_the_site_order(premises: Premises):
    for who in ("member", "desk", "stranger"):
        with pytest.raises(Forbidden):
            await order(premises, "free", who=who)
    with pytest.raises(NotFound):
        await premises.ask("guard", "access.order_gate", gate_id=10**9, mode="free", reason="a test")


async def command(premises: Premises, verb: str = "open", direction: str | None = "in") -> Any:
    return await premises.ask(
        "desk",
        "access.command_gate",
        gate_id=premises.ids["entrance"],
        verb=verb,
        reason="a parcel",
        direction=direction if verb == "open" else None,
    )


async def state(premises: Premises, made: Any) -> tuple[str, str]:
    listed = await premises.ask("guard", "access.list_commands", gate_id=made.gate_id)
    (seen,) = [one for one in listed.items if one.command_id == made.command_id]
    return seen.state, seen.code


async def answer(premises: Premises, made: Any, *, done: bool, code: str, gate: str = "entrance") -> None:
    said = Answer(gate_id=premises.ids[gate], command_id=made.command_id, done=done, code=code)
    await premises.serve("access.report_answers", answers=[said])


async def test_a_command_goes_out_signed_and_its_answer_is_kept(premises: Premises):
    key, made = await the_key(premises), await command(premises)

    (out,) = await premises.serve("access.list_waiting_commands")
    assert is_signed("command", out.site_id, out.gate_id, out.members, key)
    assert out.members["exp"] - out.members["t"] == 5000
    await premises.serve("access.commands_sent", command_ids=[made.command_id])
    assert await premises.serve("access.list_waiting_commands") == []
    await answer(premises, made, done=True, code="ok")
    assert await state(premises, made) == ("done", "ok")
    await answer(premises, made, done=False, code="jam")
    assert await state(premises, made) == ("done", "ok")
    assert [fact.state for fact in await premises.named("gate.command_ended")] == ["done"]


async def test_a_command_dies_when_nobody_takes_it_in_time(premises: Premises):
    made = await command(premises, "identify")

    premises.house.clock.now += timedelta(seconds=5)
    assert await premises.serve("access.list_waiting_commands") == []
    assert await premises.serve("access.expire_commands") == 0
    premises.house.clock.now += timedelta(seconds=1.1)
    assert await premises.serve("access.expire_commands") == 1
    assert await state(premises, made) == ("expired", "expired")
    await answer(premises, made, done=True, code="ok")
    assert await state(premises, made) == ("expired", "expired")


async def test_another_gate_cannot_answer_a_command(premises: Premises):
    made = await command(premises)

    await answer(premises, made, done=True, code="ok", gate="door")

    assert await state(premises, made) == ("waiting", "")


async def test_to_open_one_says_which_way(premises: Premises):
    with pytest.raises(Invalid) as refused:
        await command(premises, direction=None)

    assert refused.value.problem()["errors"][0]["field"] == "direction"


async def test_numbers_of_commands_grow_also_when_given_at_once(premises: Premises):
    await asyncio.gather(*(command(premises, "identify") for _ in range(5)))

    numbers = [out.members["n"] for out in await premises.serve("access.list_waiting_commands")]
    assert len(set(numbers)) == 5
