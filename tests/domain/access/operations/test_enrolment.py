"""A token makes one device the device of a gate, once, and for a quarter of an hour.

Proves: domain/access/operations/enrolment.py, domain/access/operations/device_accounts.py
"""

import base64
import json
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from domain.access.operations.enrolment import TokenUsed
from domain.access.tables.enrolments import EnrolmentRow
from domain.kernel.caller import ANONYMOUS
from domain.kernel.errors import Invalid, TooMany
from tests.premises import Premises

KEY = base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
NONCE = "0123456789abcdef"


async def shown(premises: Premises, gate: str = "entrance", **members: Any) -> Any:
    return await premises.ask("manager", "access.open_enrolment", gate_id=premises.ids[gate], **members)


async def enrol(premises: Premises, token: str, *, address: str = "", **members: Any) -> Any:
    caller = ANONYMOUS.seen_from(address, "a gate")
    return await premises.house.call(caller, "access.enrol_device", token=token, **members)


async def test_a_device_gets_all_it_needs_for_its_token(premises: Premises):
    token = (await shown(premises)).token

    device = await enrol(premises, token, hardware="gk-200", firmware="1.4.2", public_key=KEY)

    gate_id, site_id = premises.ids["entrance"], premises.ids["site"]
    assert (device.gate_id, device.username, device.generation) == (gate_id, str(gate_id), 1)
    assert device.topic_root == f"gh/1/{site_id}/{gate_id}"
    assert device.mqtt_url == "mqtt://127.0.0.1:1883"
    assert device.password and device.pass_keys
    assert [(one.direction, one.zone_id) for one in device.enters] == [("in", premises.ids["hall"])]
    assert [fact.gate_id for fact in await premises.named("gate.provisioned")] == [gate_id]
    (state,) = (await premises.ask("manager", "access.list_devices", site_id=site_id)).items
    assert (state.hardware, state.firmware, state.public_key) == ("gk-200", "1.4.2", KEY)
    assert state.provisioned_by == premises.people["manager"].user_id


async def test_the_code_carries_address_gate_and_token(premises: Premises):
    made = await shown(premises)

    said = json.loads(made.qr_text)

    assert said == {
        "v": 1,
        "url": "http://127.0.0.1:8080",
        "gateId": premises.ids["entrance"],
        "token": made.token,
    }
    assert made.qr_svg.startswith("<svg") and made.qr_png.startswith("data:image/png;base64,")


async def test_the_token_is_stored_as_a_hash_only(premises: Premises):
    made = await shown(premises)

    async with premises.house.runtime.readers() as db:
        row = (await db.scalars(select(EnrolmentRow))).one()
        answers = [str(one) for one in await db.execute(select(EnrolmentRow.__table__))]
    assert row.token_hash and row.token_hash.hex() not in made.token
    assert made.token not in "".join(answers)


async def test_the_same_request_again_shows_the_same_token(premises: Premises):
    first, again = await shown(premises, key="k1"), await shown(premises, key="k1")

    assert msgspec.to_builtins(again) == msgspec.to_builtins(first)
    assert (await enrol(premises, again.token)).generation == 1


async def test_the_account_that_the_gate_had_stops_working(premises: Premises):
    gate_id = premises.ids["entrance"]
    old = await premises.ask("manager", "access.provision_gate", gate_id=gate_id)

    new = await enrol(premises, (await shown(premises)).token)

    assert (new.generation, new.password == old.password) == (2, False)
    (account,) = await premises.serve("access.list_device_accounts")
    assert (account.password, account.enabled) == (new.password, True)


async def test_a_used_token_is_worth_nothing_to_another_device(premises: Premises):
    token = (await shown(premises)).token
    await enrol(premises, token, public_key=KEY)

    for members in ({}, {"nonce": NONCE}, {"public_key": KEY, "nonce": NONCE}):
        with pytest.raises(TokenUsed):
            await enrol(premises, token, **members)


@pytest.mark.parametrize("who", [{"public_key": KEY}, {"nonce": NONCE}, {"public_key": KEY, "nonce": NONCE}])
async def test_a_lost_answer_is_had_again_for_a_minute_by_the_same_device(
    premises: Premises, who: dict[str, str]
):
    token = (await shown(premises)).token
    first = await enrol(premises, token, **who)

    premises.house.clock.advance(seconds=60)
    assert await enrol(premises, token, **who) == first

    premises.house.clock.advance(seconds=1)
    with pytest.raises(TokenUsed):
        await enrol(premises, token, **who)
    assert len(await premises.named("gate.provisioned")) == 1


async def test_a_lost_answer_is_not_had_again_once_the_gate_has_another_account(premises: Premises):
    token = (await shown(premises)).token
    await enrol(premises, token, nonce=NONCE)
    await premises.ask("manager", "access.provision_gate", gate_id=premises.ids["entrance"])

    with pytest.raises(TokenUsed):
        await enrol(premises, token, nonce=NONCE)


async def test_a_new_token_ends_the_one_before(premises: Premises):
    old, new = (await shown(premises)).token, (await shown(premises)).token

    with pytest.raises(Invalid, match="token: is none that waits"):
        await enrol(premises, old)
    assert (await enrol(premises, new)).generation == 1


async def test_a_token_ends_with_its_time(premises: Premises):
    made = await shown(premises)
    premises.house.clock.now = made.expires_at

    with pytest.raises(Invalid, match="token: has expired"):
        await enrol(premises, made.token)


async def test_of_two_devices_at_once_exactly_one_gets_the_account(premises: Premises):
    token = (await shown(premises)).token
    nonces = [f"device-number-{number:04}" for number in range(8)]

    answers = await premises.house.at_once(*(enrol(premises, token, nonce=nonce) for nonce in nonces))

    refused = [one for one in answers if isinstance(one, TokenUsed)]
    assert len(refused) == len(nonces) - 1
    assert [one.generation for one in answers if not isinstance(one, TokenUsed)] == [1]
    assert len(await premises.named("gate.provisioned")) == 1


async def test_who_guesses_is_stopped_and_who_succeeds_is_not_counted(premises: Premises):
    for _ in range(30):
        with pytest.raises(Invalid):
            await enrol(premises, "a guess", address="198.51.100.7")

    with pytest.raises(TooMany):
        await enrol(premises, (await shown(premises)).token, address="198.51.100.7")
    for _ in range(31):
        await enrol(premises, (await shown(premises)).token, address="198.51.100.8")


async def test_a_key_that_is_none_is_refused_by_name(premises: Premises):
    with pytest.raises(Invalid) as refused:
        await enrol(premises, "x", public_key="short", nonce="short", hardware="x" * 65)

    assert {error.field for error in refused.value.errors} == {"publicKey", "nonce", "hardware"}


@pytest.mark.parametrize("deed", ["disable_device", "provision_gate"])
async def test_who_locks_a_device_out_or_gives_a_new_account_ends_the_token_too(
    premises: Premises, deed: str
):
    gate_id = premises.ids["entrance"]
    await premises.ask("manager", "access.provision_gate", gate_id=gate_id)
    token = (await shown(premises)).token

    why = {"reason": "the tablet is lost"} if deed == "disable_device" else {}
    await premises.ask("manager", f"access.{deed}", gate_id=gate_id, **why)

    with pytest.raises(Invalid, match="token"):
        await enrol(premises, token)
