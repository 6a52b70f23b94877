"""What the rules of zones come to at the gates of a real site, one after the other and at once."""

import asyncio
import secrets
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.kernel.caller import Caller
from domain.kernel.errors import Forbidden, Invalid
from tests.badges import CARD, Visitors, a_badge, a_guest, passage_of, zone_rule
from tests.premises import Gate, Premises

OTHER, THIRD = "04A2245B6C8191", "04A2245B6C8192"


async def test_timed_passback_refuses_for_its_minutes_and_no_longer(premises: Premises, entrance: Gate):
    await zone_rule(premises, "hall", passback="timed", passback_minutes=10)
    await a_badge(premises, card=CARD)
    people, clock = Visitors(entrance), premises.house.clock
    await people.walk(CARD)

    clock.advance(minutes=9, seconds=59)
    within = await people.show(CARD)
    clock.advance(seconds=1)

    assert (within.reason, await people.reason(CARD)) == ("passback", "ok")
    (step,) = [step for step in within.trace if step.rule == "reuse"]
    assert (step.inputs["since"], step.inputs["for"]) == (599.0, 600)


async def test_a_clock_that_is_a_year_ahead_shuts_nobody_out_for_a_year(premises: Premises, entrance: Gate):
    await zone_rule(premises, "hall", passback="timed", passback_minutes=10)
    await a_badge(premises, card=CARD)
    people, clock = Visitors(entrance), premises.house.clock
    decided = await people.show(CARD)
    ahead = datetime(2027, 3, 2, 9, 0, tzinfo=UTC)
    await entrance.report(passage_of(entrance, decided, at=ahead))

    clock.advance(minutes=11)
    await people.walk(CARD)
    clock.advance(minutes=1)
    await people.walk(CARD, direction="out")

    assert (await premises.ask("guard", "access.get_zone", zone_id=premises.ids["hall"])).inside == 0


async def test_soft_passback_lets_in_and_notes_it(premises: Premises, entrance: Gate):
    await zone_rule(premises, "hall", passback="soft")
    await a_badge(premises, card=CARD)
    people = Visitors(entrance)
    await people.walk(CARD)

    again = await people.show(CARD)

    assert again.admit
    assert [(step.reason, step.waiver) for step in again.trace if step.verdict == "waived"] == [
        ("passback", "soft")
    ]


async def test_a_pass_of_its_own_rule_is_not_held_to_that_of_the_zone(premises: Premises, entrance: Gate):
    await a_badge(premises, card=CARD, passback="off")
    people = Visitors(entrance)
    await people.walk(CARD)

    assert await people.reason(CARD) == "ok"


async def test_into_a_zone_in_order_comes_who_was_seen_before_it(
    premises: Premises, entrance: Gate, door: Gate
):
    await zone_rule(premises, "office", in_order=True)
    await a_badge(premises, card=CARD)

    tailgated = await Visitors(door).reason(CARD)
    await Visitors(entrance).walk(CARD)

    assert (tailgated, await Visitors(door).reason(CARD)) == ("out_of_order", "ok")


async def test_of_two_at_once_the_last_place_goes_to_one(premises: Premises, entrance: Gate):
    await zone_rule(premises, "hall", capacity=1)
    await a_badge(premises, card=CARD)
    await a_badge(premises, card=OTHER)
    people = Visitors(entrance)

    decided = await asyncio.gather(people.show(CARD), people.show(OTHER))

    assert sorted(one.reason for one in decided) == ["full", "ok"]


async def test_a_second_person_is_admitted_with_the_first_and_nobody_alone(
    premises: Premises, entrance: Gate, door: Gate
):
    await zone_rule(premises, "office", two_person=True)
    for card in (CARD, OTHER):
        await a_badge(premises, card=card)
        await Visitors(entrance).walk(card)
    people, clock = Visitors(door), premises.house.clock

    alone = [await people.reason(CARD) for _ in range(2)]
    second = await people.show(OTHER)
    first = await people.show(CARD)
    clock.advance(seconds=16)

    assert (alone, second.reason, first.reason) == (["second_person"] * 2, "ok", "ok")
    assert await people.reason(OTHER) == "second_person"


async def test_who_waits_for_another_zone_is_no_second_person(premises: Premises, entrance: Gate, door: Gate):
    await zone_rule(premises, "office", two_person=True)
    await zone_rule(premises, "hall", two_person=True)
    await a_badge(premises, card=CARD)
    await a_badge(premises, card=OTHER)

    waiting = await Visitors(door).reason(CARD)

    assert (waiting, await Visitors(entrance).reason(OTHER)) == ("second_person", "second_person")


async def test_a_guest_with_an_escort_comes_in_while_the_host_does_or_is_there(
    premises: Premises, entrance: Gate
):
    host = premises.people["member"].user_id
    await a_badge(premises, card=CARD, holder_user_id=host)
    guest, clock = await a_guest(premises, needs_escort=True), premises.house.clock
    people = Visitors(entrance)

    alone = await people.reason(guest.qr_token, "qr")
    admitted = await people.show(CARD)
    beside = await people.show(guest.qr_token, "qr")
    clock.advance(seconds=6)
    later = await people.reason(guest.qr_token, "qr")
    await entrance.report(passage_of(entrance, admitted))

    assert (alone, beside.reason, later) == ("escort_needed", "ok", "escort_needed")
    assert await people.reason(guest.qr_token, "qr") == "ok"


async def test_another_members_badge_is_no_escort_unless_it_says_so(premises: Premises, entrance: Gate):
    await a_badge(premises, card=CARD)
    await a_badge(premises, card=OTHER, escorts=True)
    guest, people = await a_guest(premises, needs_escort=True), Visitors(entrance)
    await people.walk(CARD)

    with_member = await people.reason(guest.qr_token, "qr")
    await people.walk(OTHER)

    assert (with_member, await people.reason(guest.qr_token, "qr")) == ("escort_needed", "ok")


async def test_nobody_is_the_first_person_in_but_who_may_open(premises: Premises, entrance: Gate):
    await zone_rule(premises, "hall", first_person=True)
    await a_badge(premises, card=CARD, opens=True)
    await a_badge(premises, card=OTHER)
    people, clock = Visitors(entrance), premises.house.clock

    before = await people.reason(OTHER)
    await people.walk(CARD)
    after = await people.walk(OTHER)
    await people.walk(OTHER, direction="out")
    clock.advance(days=1)

    assert (before, after.reason) == ("not_open", "ok")
    assert await people.reason(OTHER) == "not_open"


async def test_a_guard_opens_a_zone_for_the_day(premises: Premises, entrance: Gate):
    await zone_rule(premises, "hall", first_person=True)
    await a_badge(premises, card=CARD)

    opened = await premises.ask("guard", "access.open_zone", zone_id=premises.ids["hall"])

    assert (opened.opened_at, await Visitors(entrance).reason(CARD)) == (premises.now, "ok")


async def test_the_same_scan_asked_again_gets_the_same_answer(premises: Premises, entrance: Gate):
    await a_badge(premises, card=CARD)

    first, again = [await entrance.scan(CARD, method="nfc") for _ in range(2)]

    assert again.admit and again.decision == first.decision


async def test_a_gate_speaks_for_itself_alone(premises: Premises, entrance: Gate, door: Gate):
    runtime = premises.house.runtime
    ask = runtime.operations["access.decide"].params
    asked = ask(gate_id=door.gate_id, epoch=b"e", rid="r", direction="in", presented=CARD, method="nfc")

    with pytest.raises(Forbidden):
        await runtime.call(
            Caller(roles=frozenset({"device"}), gate_id=entrance.gate_id), "access.decide", asked
        )


@pytest.mark.parametrize("junk", ["", "\0", "x" * 512, "GH1:", "١٢٣٤", "' OR 1=1 --"])
@pytest.mark.parametrize("method", ["qr", "nfc", "pin", "plate"])
async def test_junk_of_any_kind_is_unknown(premises_shared: Premises, junk: str, method: str):
    gate = Gate(premises_shared, premises_shared.ids["entrance"])

    decided = await gate.scan(junk, rid=secrets.token_hex(8), method=method)

    assert (decided.admit, decided.reason, decided.grant_id) == (False, "unknown", None)


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"passback": "timed"}, "passbackMinutes"),
        ({"passback_minutes": 5}, "passbackMinutes"),
        ({"passback": "timed", "passback_minutes": 0}, "passbackMinutes"),
        ({"passback": "never"}, "passback"),
        ({"capacity": 0}, "capacity"),
        ({"schedule_id": 999}, "scheduleId"),
    ],
)
async def test_rules_that_cannot_be_name_their_field(
    premises_shared: Premises, rules: dict[str, Any], field: str
):
    with pytest.raises(Invalid) as refused:
        await zone_rule(premises_shared, "hall", **rules)

    assert [problem.field for problem in refused.value.errors] == [field]
