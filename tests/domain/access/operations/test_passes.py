"""Badges, tickets and other passes: who may make, see, change and end them, and what they open."""

from datetime import timedelta
from typing import Any

import pytest

from domain.access.operations.passes import NotPrintable
from domain.kernel.errors import Forbidden, Invalid, NotFound
from tests.badges import CARD, Visitors, a_badge, a_guest
from tests.premises import Gate, Premises


async def test_a_badge_opens_by_its_card_and_names_its_holder_by_initials(
    premises: Premises, entrance: Gate, door: Gate
):
    made = await a_badge(premises, card=CARD)

    decided = await Visitors(entrance).walk(CARD)
    inner = await Visitors(door).walk(CARD)

    assert (decided.grant_id, decided.initials, decided.method) == (made.pass_id, "AE", "nfc")
    assert inner.grant_id == made.pass_id
    seen = await premises.ask("guard", "access.get_pass", pass_id=made.pass_id)
    assert seen.inside_zone_id == premises.ids["office"]


async def test_a_ticket_of_a_day_is_shown_by_its_code_and_one_of_a_year_has_none(
    premises: Premises, entrance: Gate
):
    ends = (premises.now + timedelta(days=1)).isoformat()
    ticket = await a_badge(premises, kind="ticket", end=ends, zone_ids=None, entries="single")
    badge = await a_badge(premises)

    assert ticket.zone_ids == [premises.ids["hall"]]
    assert (await entrance.scan(ticket.qr_token)).admit
    svg = await premises.ask("desk", "access.pass_qr_svg", pass_id=ticket.pass_id)
    png = await premises.ask("desk", "access.pass_qr_png", pass_id=ticket.pass_id)
    assert (svg[:4], png[:4]) == (b"<svg", b"\x89PNG")
    assert badge.qr_token is None
    with pytest.raises(NotPrintable):
        await premises.ask("desk", "access.pass_qr_svg", pass_id=badge.pass_id)


async def test_a_pass_that_is_not_paid_opens_nothing_until_it_is(premises: Premises, entrance: Gate):
    made = await a_badge(premises, card=CARD, unpaid=True)
    people = Visitors(entrance)

    before = await people.reason(CARD)
    await premises.ask("desk", "access.change_pass", pass_id=made.pass_id, unpaid=False)

    assert (before, await people.reason(CARD)) == ("unpaid", "ok")


async def test_what_is_not_given_stays_as_it_was(premises: Premises):
    week = [[[0, 1440]]] * 7
    hours = await premises.ask(
        "manager", "access.create_schedule", site_id=premises.ids["site"], name="Always", week=week
    )
    made = await a_badge(premises, schedule_id=hours.schedule_id)
    ends = premises.now + timedelta(days=2)

    shorter = await premises.ask("desk", "access.change_pass", pass_id=made.pass_id, end=ends.isoformat())
    narrower = await premises.ask(
        "desk", "access.change_pass", pass_id=made.pass_id, zone_ids=[premises.ids["hall"]]
    )
    freed = await premises.ask("desk", "access.change_pass", pass_id=made.pass_id, schedule_id=None)

    assert (shorter.end, shorter.zone_ids, shorter.schedule_id) == (ends, made.zone_ids, hours.schedule_id)
    assert (narrower.zone_ids, narrower.end) == ([premises.ids["hall"]], ends)
    assert (freed.schedule_id, freed.end) == (None, ends)
    assert len(await premises.named("pass.changed")) == 3


async def test_a_revoked_badge_opens_nothing_but_the_way_out(premises: Premises, entrance: Gate):
    made = await a_badge(premises, card=CARD)
    people = Visitors(entrance)
    await people.walk(CARD)

    for _ in range(2):
        await premises.ask("guard", "access.revoke_pass", pass_id=made.pass_id)
    out = await people.walk(CARD, direction="out")

    assert [step.reason for step in out.trace if step.verdict == "waived"] == ["revoked"]
    assert await people.reason(CARD) == "revoked"
    assert len(await premises.named("pass.revoked")) == 1


async def test_a_gate_that_stands_free_lets_in_whoever_was_revoked(premises: Premises, entrance: Gate):
    made = await a_badge(premises, card=CARD)
    await premises.ask("guard", "access.revoke_pass", pass_id=made.pass_id)
    await premises.ask("guard", "access.order_gate", gate_id=entrance.gate_id, mode="free", reason="a parcel")

    decided = await Visitors(entrance).show(CARD)

    assert (decided.admit, decided.reason) == (True, "ok")


async def test_people_see_their_own_passes_and_staff_those_of_their_site(premises: Premises):
    holder = premises.people["member"].user_id
    mine = await a_badge(premises, holder_user_id=holder, holder_name="", end=tomorrow(premises))
    other = await a_badge(premises)
    guest = await a_guest(premises)

    seen = {
        who: [one.pass_id for one in (await premises.ask(who, "access.list_passes")).items]
        for who in ("member", "guard", "admin", "stranger")
    }

    both = [other.pass_id, mine.pass_id]
    assert seen == {"member": [mine.pass_id], "guard": both, "admin": both, "stranger": []}
    own = await premises.ask("member", "access.get_pass", pass_id=mine.pass_id)
    assert own.qr_token == mine.qr_token is not None
    assert (await premises.ask("guard", "access.get_pass", pass_id=mine.pass_id)).qr_token is None
    for unseen in (other.pass_id, guest.pass_id):
        with pytest.raises(NotFound):
            await premises.ask("member", "access.get_pass", pass_id=unseen)
    with pytest.raises(NotFound):
        await premises.ask("desk", "access.revoke_pass", pass_id=guest.pass_id)
    with pytest.raises(Forbidden):
        await premises.ask("guard", "access.change_pass", pass_id=mine.pass_id, unpaid=True)


async def test_pages_of_passes_follow_each_other(premises: Premises):
    made = [(await a_badge(premises)).pass_id for _ in range(3)]

    first = await premises.ask("desk", "access.list_passes", limit=2)
    rest = await premises.ask("desk", "access.list_passes", limit=2, cursor=first.next_cursor)

    assert [one.pass_id for one in [*first.items, *rest.items]] == made[::-1]


@pytest.mark.parametrize("power", [{"escorts": True}, {"opens": True}, {"passback": "off"}])
async def test_powers_over_others_are_a_managers_to_give(premises: Premises, power: dict[str, Any]):
    with pytest.raises(Forbidden):
        await a_badge(premises, "desk", **power)
    assert (await a_badge(premises, "manager", **power)).pass_id


async def test_who_may_not_make_passes_makes_none(premises: Premises):
    for who in ("member", "guard", "stranger"):
        with pytest.raises(Forbidden):
            await a_badge(premises, who)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"holder_name": " "}, "holderName"),
        ({"holder_name": "x" * 201}, "holderName"),
        ({"holder_user_id": 999}, "holderUserId"),
        ({"kind": "guest"}, "kind"),
        ({"end": "2026-03-01T08:00:00Z"}, "end"),
        ({"start": "2026-03-05T08:00:00Z", "end": "2026-03-04T08:00:00Z"}, "end"),
        ({"zone_ids": []}, "zoneIds"),
        ({"zone_ids": [999]}, "zoneIds"),
        ({"entries": "twice"}, "entries"),
        ({"schedule_id": 999}, "scheduleId"),
        ({"passback": "timed"}, "passback"),
    ],
)
async def test_bad_input_names_its_field(premises: Premises, members: dict[str, Any], field: str):
    with pytest.raises(Invalid) as refused:
        await a_badge(premises, **members)

    assert field in [problem.field for problem in refused.value.errors]
    assert not await premises.named("pass.issued")


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"end": "2026-03-01T08:00:00Z"}, "end"),
        ({"zone_ids": [999]}, "zoneIds"),
        ({"schedule_id": 999}, "scheduleId"),
    ],
)
async def test_a_change_that_cannot_be_names_its_field(
    premises: Premises, members: dict[str, Any], field: str
):
    made = await a_badge(premises)

    with pytest.raises(Invalid) as refused:
        await premises.ask("desk", "access.change_pass", pass_id=made.pass_id, **members)

    assert field in [problem.field for problem in refused.value.errors]
    assert await premises.ask("desk", "access.get_pass", pass_id=made.pass_id) == made


def tomorrow(premises: Premises) -> str:
    return (premises.now + timedelta(days=1)).isoformat()


async def test_a_stranger_to_the_site_holds_no_pass_of_it(premises: Premises):
    stranger = premises.people["stranger"].user_id

    for nobody in (stranger, 10**9):
        with pytest.raises(Invalid, match=f"holderUserId: user {nobody} does not belong to site"):
            await a_badge(premises, holder_user_id=nobody)


async def test_what_a_manager_gave_only_a_manager_prolongs_and_widens(premises: Premises):
    made = await a_badge(premises, escorts=True)
    later = (premises.now + timedelta(days=500)).isoformat()

    for change in ({"end": later}, {"zone_ids": [premises.ids["hall"]]}, {"schedule_id": None}):
        with pytest.raises(Forbidden):
            await premises.ask("desk", "access.change_pass", pass_id=made.pass_id, **change)
    await premises.ask("desk", "access.change_pass", pass_id=made.pass_id, unpaid=True)

    changed = await premises.ask("manager", "access.change_pass", pass_id=made.pass_id, end=later)
    assert changed.end > made.end and changed.unpaid
