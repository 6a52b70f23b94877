"""A device that is switched off is let in nowhere, and who did it, when and why stays known.

Proves: domain/access/operations/devices.py, domain/access/operations/device_accounts.py
"""

from datetime import timedelta
from typing import Any

import pytest

from domain.kernel.errors import Forbidden, NotFound
from tests.premises import Gate, Premises


async def device(premises: Premises) -> Any:
    """The only device of the site, as its manager sees it."""
    listed = await premises.ask("manager", "access.list_devices", site_id=premises.ids["site"])
    (found,) = listed.items
    return found


async def switch(premises: Premises, how: str, who: str = "manager", gate: str = "entrance") -> Any:
    return await premises.ask(who, f"access.{how}_device", gate_id=premises.ids[gate], reason=f"to {how} it")


async def apply(premises: Premises) -> list[Any]:
    """Do what the bridge does with accounts that the broker has not as they must be."""
    pending: list[Any] = await premises.serve("access.list_device_accounts")
    for one in pending:
        await premises.serve("access.device_account_applied", gate_id=one.gate_id, revision=one.revision)
    return pending


@pytest.fixture
async def account(premises: Premises) -> Any:
    made = await premises.ask("manager", "access.provision_gate", gate_id=premises.ids["entrance"])
    await apply(premises)
    return made


async def test_a_device_is_pending_until_the_broker_has_it_as_it_shall_be(premises: Premises, account: Any):
    assert (await device(premises)).applied

    await switch(premises, "disable")
    assert not (await device(premises)).applied

    (pending,) = await apply(premises)
    assert not pending.enabled
    assert (await device(premises)).applied


async def test_who_switched_it_why_and_when_is_kept(premises: Premises, account: Any):
    await switch(premises, "disable")
    premises.house.clock.advance(minutes=5)
    await switch(premises, "enable")

    state = await device(premises)
    assert (state.enabled, state.reason, state.switched_at) == (True, "to enable it", premises.now)
    assert state.switched_by == premises.people["manager"].user_id
    facts = await premises.house.facts("gate.device_disabled", "gate.device_enabled")
    assert [fact.name for fact in facts] == ["gate.device_disabled", "gate.device_enabled"]
    assert {fact.actor for fact in facts} == {premises.people["manager"].actor}


async def test_switching_off_twice_is_switching_off_once(premises: Premises, account: Any):
    await switch(premises, "disable")
    await apply(premises)

    await switch(premises, "disable")

    assert (await device(premises)).applied
    assert len(await premises.named("gate.device_disabled")) == 1


async def test_the_account_is_the_same_after_switching_on(premises: Premises, account: Any):
    await switch(premises, "disable")
    await switch(premises, "enable")

    (pending,) = await apply(premises)
    assert (pending.password, pending.enabled) == (account.password, True)


async def test_nobody_enters_by_the_word_of_a_device_that_is_off(
    premises: Premises, entrance: Gate, account: Any
):
    window = {"start": premises.now, "end": premises.now + timedelta(hours=1)}
    asked = {name: moment.isoformat() for name, moment in window.items()}
    made = await premises.ask("member", "access.create_guest_pass", guest_name="Ada", **asked)
    token = made.qr_token
    await switch(premises, "disable")

    refused = await entrance.scan(token)
    await switch(premises, "enable")
    admitted = await entrance.scan(token, rid="r2")

    assert (refused.admit, refused.reason) == (False, "gate_disabled")
    assert admitted.admit


async def test_a_new_account_lets_a_device_in_again(premises: Premises, account: Any):
    await switch(premises, "disable")

    await premises.ask("manager", "access.provision_gate", gate_id=premises.ids["entrance"])

    state = await device(premises)
    assert (state.enabled, state.generation, state.reason) == (True, 2, "a new account")


async def test_a_gate_without_a_device_has_nothing_to_switch(premises: Premises):
    with pytest.raises(NotFound):
        await switch(premises, "disable", gate="door")


@pytest.mark.parametrize("who", ["guard", "desk", "member", "stranger"])
async def test_only_managers_switch_devices(premises: Premises, account: Any, who: str):
    with pytest.raises(Forbidden):
        await switch(premises, "disable", who=who)
