"""Whoever is on the watch-list is refused or told of, with passes from before and after, and nobody slips between."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.access.operations import watch_list
from domain.access.tables.lists import ListEntryRow
from domain.kernel.errors import Forbidden, Invalid, NotFound
from tests.badges import CARD, Visitors, a_badge, a_guest
from tests.domain.access.operations.test_alarms import alarms
from tests.premises import Gate, Premises


async def watch(premises: Premises, kind: str = "name", value: str = "ann example", **members: Any) -> Any:
    given: dict[str, Any] = {
        "site_id": premises.ids["site"],
        "kind": kind,
        "value": value,
        "action": "refuse",
        "reason": "theft",
    }
    return await premises.ask("guard", "access.watch", **given | members)


async def listed(premises: Premises) -> dict[int, str | None]:
    async with premises.house.runtime.readers() as db:
        rows = await db.execute(select(ListEntryRow.grant_id, ListEntryRow.watch))
        return {grant_id: watched for grant_id, watched in rows}


async def test_somebody_to_be_refused_is_and_an_alarm_is_raised_with_the_trace(
    premises: Premises, entrance: Gate
):
    made = await a_badge(premises, card=CARD)
    entry = await watch(premises)

    decided = await Visitors(entrance).show(CARD)

    assert (entry.passes, decided.admit, decided.reason) == (1, False, "blocked")
    (alarm,) = await alarms(premises)
    assert (alarm.kind, alarm.gate_id, alarm.state) == ("watch_list", entrance.gate_id, "raised")
    about = {"passId": made.pass_id, "decision": decided.decision, "admit": False, "direction": "in"}
    assert alarm.detail == about


async def test_somebody_to_be_heard_of_walks_in_and_an_alarm_is_raised(premises: Premises, entrance: Gate):
    await watch(premises, action="alert")
    await a_badge(premises, card=CARD)
    people = Visitors(entrance)

    decided = await people.walk(CARD)
    left = await people.show(CARD, direction="out")

    assert decided.admit and left.admit
    (alarm,) = await alarms(premises)
    assert (alarm.kind, alarm.count, alarm.detail["admit"]) == ("watch_list", 2, True)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("name", "Лавлейс  Áda"),
        ("email", "ADA@example.com"),
        ("plate", "а123вс77"),
    ],
)
async def test_guests_are_found_by_name_address_and_plate(premises: Premises, kind: str, value: str):
    guest = await a_guest(premises, guest_name="Ada Лавлейс", guest_email="ada@example.com")
    await premises.ask("desk", "access.add_credential", pass_id=guest.pass_id, kind="plate", value="A123BC77")

    entry = await watch(premises, kind, value)

    assert (entry.passes, await listed(premises)) == (1, {guest.pass_id: "refuse"})


async def test_a_plate_that_is_added_later_is_found_too(premises: Premises):
    guest = await a_guest(premises)
    await watch(premises, "plate", "A123BC77")
    before = await listed(premises)

    await premises.ask("desk", "access.add_credential", pass_id=guest.pass_id, kind="plate", value="A123BC77")

    assert (before, await listed(premises)) == ({guest.pass_id: None}, {guest.pass_id: "refuse"})


async def test_a_holder_with_an_account_is_found_by_its_number(premises: Premises):
    holder = premises.people["member"].user_id
    mine = await a_badge(premises, holder_user_id=holder, holder_name="")
    await a_badge(premises)

    assert (await watch(premises, "user", f"00{holder}")).passes == 1
    assert (await listed(premises))[mine.pass_id] == "refuse"


async def test_who_is_taken_off_the_list_comes_in_again(premises: Premises, entrance: Gate):
    await a_badge(premises, card=CARD)
    entry = await watch(premises)

    answers = await asyncio.gather(
        *(premises.ask("manager", "access.unwatch", watch_id=entry.watch_id) for _ in range(2)),
        return_exceptions=True,
    )

    assert [type(answer) for answer in answers if answer is not None] == [NotFound]
    assert await Visitors(entrance).reason(CARD) == "ok"
    assert [fact.on for fact in await premises.named("watch.changed")] == [True, False]


@pytest.mark.parametrize("tried", range(3))
async def test_a_name_and_a_pass_made_at_the_same_moment_do_not_miss_each_other(
    premises: Premises, entrance: Gate, tried: int
):
    passes = await asyncio.gather(
        *(a_badge(premises) for _ in range(3 * tried)),
        watch(premises),
        *(a_badge(premises) for _ in range(4)),
    )

    made = [one.pass_id for one in passes if hasattr(one, "pass_id")]
    assert await listed(premises) == dict.fromkeys(made, "refuse")


async def test_all_passes_of_a_large_site_are_looked_at(premises: Premises, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watch_list, "JUDGED_AT_ONCE", 2)
    made = [(await a_badge(premises)).pass_id for _ in range(4)]

    assert (await watch(premises)).passes == 4
    assert await listed(premises) == dict.fromkeys(made, "refuse")


async def test_passes_that_have_ended_are_left_alone(premises: Premises):
    made = await a_badge(premises, end=(premises.now + timedelta(hours=1)).isoformat())
    premises.house.clock.advance(hours=2)

    assert (await watch(premises)).passes == 0
    assert await listed(premises) == {made.pass_id: None}


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"kind": "face"}, "kind"),
        ({"value": ""}, "value"),
        ({"value": " \u0301 "}, "value"),
        ({"kind": "plate", "value": "ЖЖЖ"}, "value"),
        ({"kind": "user", "value": "ann"}, "value"),
        ({"kind": "user", "value": "٣"}, "value"),
        ({"value": "Taken Name"}, "value"),
        ({"action": "shoot"}, "action"),
        ({"reason": ""}, "reason"),
    ],
)
async def test_bad_input_names_its_field(premises: Premises, members: dict[str, Any], field: str):
    await watch(premises, value="Name Taken")

    with pytest.raises(Invalid) as refused:
        await watch(premises, **members)

    assert [problem.field for problem in refused.value.errors] == [field]


async def test_guards_and_managers_keep_the_list_and_the_desk_reads_it(premises: Premises):
    made = await watch(premises)

    read = await premises.ask("desk", "access.list_watch_list", site_id=premises.ids["site"])

    assert [(one.watch_id, one.value, one.action, one.passes) for one in read.items] == [
        (made.watch_id, "ann example", "refuse", None)
    ]
    for who in ("desk", "member", "stranger"):
        with pytest.raises((Forbidden, NotFound)):
            await premises.ask(who, "access.unwatch", watch_id=made.watch_id)
