"""A phone that fetched its secrets shows a code that opens once per zone; a screenshot of it is soon worth nothing."""

import asyncio
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from domain.access.operations.live_passes import NoLiveCode
from domain.access.rules import live_code, token
from domain.access.rules.live_code import LiveCode
from domain.kernel.errors import NotFound
from tests.badges import Visitors, a_badge, a_guest
from tests.passes import with_live_code
from tests.premises import Gate, Premises


class Phone:
    """What shows a live pass, from what it fetched once."""

    def __init__(self, fetched: Any) -> None:
        self.raw = urlsafe_b64decode(fetched.qr_token)
        self.secrets = {one.day: urlsafe_b64decode(one.secret + "=") for one in fetched.secrets}

    def shows(self, at: float) -> str:
        step = live_code.step_of(at)
        code = live_code.code(self.secrets[live_code.day_of(step)], step)
        return token.as_qr_text(with_live_code(self.raw, LiveCode(step, code)))


async def phone_of(premises: Premises, pass_id: int, who: str = "member") -> Phone:
    return Phone(await premises.ask(who, "access.live_pass", pass_id=pass_id))


async def test_a_live_pass_opens_by_the_code_of_its_phone_and_not_by_its_picture(
    premises: Premises, entrance: Gate, door: Gate
):
    guest = await a_guest(premises, live_code=True)
    phone, people = await phone_of(premises, guest.pass_id), Visitors(entrance)
    now = premises.now.timestamp()

    printed = await people.reason(guest.qr_token, "qr")
    old = await people.reason(phone.shows(now - 60), "qr")
    fresh = await people.walk(phone.shows(now), "qr")

    assert (printed, old, fresh.reason) == ("stale_code", "stale_code", "ok")
    steps = {step.rule: step.inputs for step in fresh.trace}
    assert steps["live_code"] == {"shown": True, "genuine": True, "age": 0.0, "used": False}


async def test_a_code_opens_the_next_door_and_not_the_same_one_again(
    premises: Premises, entrance: Gate, door: Gate
):
    ends = (premises.now + timedelta(days=3)).isoformat()
    holder = premises.people["member"].user_id
    badge = await a_badge(premises, holder_user_id=holder, end=ends, live_code=True, passback="off")
    shown = (await phone_of(premises, badge.pass_id)).shows(premises.now.timestamp())

    first = await Visitors(entrance).walk(shown, "qr")
    replayed = await Visitors(entrance).reason(shown, "qr")
    inner = await Visitors(door).reason(shown, "qr")

    assert (first.reason, replayed, inner) == ("ok", "stale_code", "ok")


async def test_the_same_code_at_two_gates_of_one_zone_at_once_admits_one(premises: Premises, entrance: Gate):
    side = await premises.ask(
        "manager",
        "access.create_gate",
        site_id=premises.ids["site"],
        name="side",
        to_zone_id=premises.ids["hall"],
    )
    ends = (premises.now + timedelta(days=3)).isoformat()
    holder = premises.people["member"].user_id
    badge = await a_badge(premises, holder_user_id=holder, end=ends, live_code=True, passback="off")
    shown = (await phone_of(premises, badge.pass_id)).shows(premises.now.timestamp())

    gates = [Visitors(entrance), Visitors(Gate(premises, side.gate_id))]
    decided = await asyncio.gather(*(people.show(shown, "qr") for people in gates))

    assert sorted(one.reason for one in decided) == ["ok", "stale_code"]


async def test_an_older_code_shown_at_a_free_gate_gives_no_newer_one_back(premises: Premises, entrance: Gate):
    ends = (premises.now + timedelta(days=3)).isoformat()
    holder = premises.people["member"].user_id
    badge = await a_badge(premises, holder_user_id=holder, end=ends, live_code=True, passback="off")
    phone, people = await phone_of(premises, badge.pass_id), Visitors(entrance)
    now = premises.now.timestamp()
    order: dict[str, Any] = {"gate_id": entrance.gate_id, "reason": "a test"}
    await people.walk(phone.shows(now), "qr")

    await premises.ask("guard", "access.order_gate", mode="free", **order)
    await people.walk(phone.shows(now - 90), "qr")
    await premises.ask("guard", "access.order_gate", mode="normal", **order)

    assert await people.reason(phone.shows(now), "qr") == "stale_code"


async def test_there_is_a_secret_for_each_day_of_the_pass(premises: Premises):
    guest = await a_guest(premises, live_code=True, end=(premises.now + timedelta(days=30)).isoformat())

    fetched = await premises.ask("member", "access.live_pass", pass_id=guest.pass_id)

    assert [one.day for one in fetched.secrets] == list(
        range(fetched.secrets[0].day, fetched.secrets[0].day + 31)
    )
    assert len({one.secret for one in fetched.secrets}) == 31


async def test_secrets_are_for_holder_host_and_desk_of_passes_that_need_them(premises: Premises):
    guest = await a_guest(premises, live_code=True)
    plain = await a_guest(premises)

    assert (await premises.ask("desk", "access.live_pass", pass_id=guest.pass_id)).step_s == 30
    with pytest.raises(NoLiveCode):
        await premises.ask("member", "access.live_pass", pass_id=plain.pass_id)
    other = msgspec.structs.replace(premises.people["member"], user_id=premises.people["guard"].user_id)
    for pass_id in (guest.pass_id, 999):
        with pytest.raises(NotFound):
            await premises.house.call(other, "access.live_pass", pass_id=pass_id)
