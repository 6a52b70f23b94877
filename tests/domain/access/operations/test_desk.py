"""What guards and the desk do by hand moves people as gates do, and stands in the log.

Proves: domain/access/operations/desk.py, domain/access/operations/desk_journal.py,
domain/access/operations/access_log.py
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from domain.access.operations.commands import Answer
from domain.access.tables.place import GateRow
from domain.kernel.errors import Forbidden, Invalid, NotFound
from tests.premises import Gate, Premises


async def guest(premises: Premises, name: str = "Ada Lovelace", who: str = "member", **members: Any) -> Any:
    window = {
        "start": premises.now.isoformat(),
        "end": (premises.now + timedelta(hours=8)).isoformat(),
    }
    return await premises.ask(who, "access.create_guest_pass", guest_name=name, **window | members)


async def found(premises: Premises, **asked: Any) -> list[str]:
    site = premises.ids["site"]
    return [one.guest_name for one in await premises.ask("desk", "access.find_guests", site_id=site, **asked)]


async def inside(premises: Premises) -> dict[str, int]:
    async with premises.house.runtime.readers() as db:
        return {name: count for name, count in await db.execute(text("SELECT name, inside FROM zones"))}


async def log(premises: Premises) -> list[Any]:
    listed = await premises.ask("guard", "access.list_access_log", site_id=premises.ids["site"])
    return list(listed.items)


async def proved(premises: Premises) -> tuple[int, list[Any]]:
    """How many events the desk's journal has, and what is wrong with it."""
    async with premises.house.runtime.readers() as db:
        desk = (await db.scalars(text("SELECT id FROM gates WHERE desk"))).one()
    proof = await premises.ask("manager", "access.verify_gate", gate_id=desk)
    return sum(journal.events for journal in proof.journals), list(proof.findings)


async def test_todays_guests_are_found_by_a_part_of_their_name_however_it_is_typed(premises: Premises):
    for name in ("Zoë Quinn", "Ada Lovelace", "Артём Семёнов"):
        await guest(premises, name)
    tomorrow = premises.now + timedelta(days=1)
    await guest(
        premises, "Zoe Late", start=tomorrow.isoformat(), end=(tomorrow + timedelta(hours=1)).isoformat()
    )

    assert await found(premises, name="zoe") == ["Zoë Quinn"]
    assert await found(premises, name="lovelcae") == ["Ada Lovelace"]
    assert await found(premises, name="артем") == ["Артём Семёнов"]
    assert await found(premises, name="nobody") == []


async def test_guests_are_found_by_their_host_the_nearest_first(premises: Premises):
    await guest(premises, "Bob Lovelace")
    await guest(premises, "Grace Hopper", "manager", host_user_id=premises.people["guard"].user_id)

    assert await found(premises, host="memb") == ["Bob Lovelace"]
    assert await found(premises, name="hop", host="guard") == ["Grace Hopper"]
    assert await found(premises, name="hop", host="memb") == []
    with pytest.raises(Invalid, match="name"):
        await found(premises, name=" - ")


async def test_who_is_let_in_by_name_has_the_gate_opened_and_is_counted_once(
    premises: Premises, entrance: Gate
):
    ada = await guest(premises)

    visit = await premises.ask(
        "desk",
        "access.log_visit",
        guest_pass_id=ada.guest_pass_id,
        action="enter",
        gate_id=entrance.gate_id,
        open=True,
    )
    [command] = (await premises.ask("desk", "access.list_commands", gate_id=entrance.gate_id)).items
    await premises.serve(
        "access.report_answers",
        answers=[Answer(gate_id=entrance.gate_id, command_id=command.command_id, done=True, code="ok")],
    )
    # the gate reports the walk it opened for, by the command's name
    await entrance.report(entrance.event("passage", rid=command.command_id, direction="in"))

    assert (command.verb, command.direction, visit.action) == ("open", "in", "enter")
    assert await inside(premises) == {"hall": 1, "office": 0}
    # somebody whom a guard let in by a plain command is somebody else
    plain = await premises.ask(
        "guard",
        "access.command_gate",
        gate_id=entrance.gate_id,
        verb="open",
        direction="in",
        reason="a parcel",
    )
    await entrance.report(entrance.event("passage", rid=plain.command_id, direction="in"))
    assert await inside(premises) == {"hall": 2, "office": 0}


async def test_a_gate_to_be_opened_must_be_named(premises: Premises):
    ada = await guest(premises)

    with pytest.raises(Invalid, match="gateId"):
        await premises.ask(
            "desk", "access.log_visit", guest_pass_id=ada.guest_pass_id, action="enter", open=True
        )


async def test_an_override_lets_somebody_in_whom_the_rules_refuse_and_says_who_and_why(
    premises: Premises, door: Gate
):
    ada = await guest(premises)
    assert (await door.scan(ada.qr_token)).reason == "wrong_zone"

    done = await premises.ask(
        "guard",
        "access.override",
        gate_id=door.gate_id,
        direction="in",
        reason="expected upstairs",
        guest_pass_id=ada.guest_pass_id,
    )
    await door.report(door.event("passage", rid=done.command.command_id, direction="in"))

    assert await inside(premises) == {"hall": 0, "office": 1}
    by_gate, by_hand = (await log(premises))[:2]
    assert (by_gate.person, by_gate.by_name) == (None, None)
    assert (by_hand.reason, by_hand.person, by_hand.by_name, by_hand.note) == (
        "override",
        "Ada Lovelace",
        "guard",
        "expected upstairs",
    )
    assert (by_hand.at_gate_id, by_hand.access_id) == (door.gate_id, done.access_id)
    assert await proved(premises) == (1, [])


async def test_an_override_needs_no_pass_and_a_guard_not_the_desk(premises: Premises, entrance: Gate):
    asked: dict[str, Any] = {"gate_id": entrance.gate_id, "direction": "in", "reason": "fire brigade"}

    done = await premises.ask("guard", "access.override", **asked)

    assert (done.pass_id, await inside(premises)) == (None, {"hall": 1, "office": 0})
    for who in ("desk", "member"):
        with pytest.raises(Forbidden):
            await premises.ask(who, "access.override", **asked)
    with pytest.raises(Invalid):
        await premises.ask("guard", "access.override", **asked | {"reason": ""})
    with pytest.raises(Invalid, match="passId"):
        await premises.ask("guard", "access.override", pass_id=999, **asked)


async def test_a_forgiven_pass_is_judged_by_where_it_is_said_to_be(premises: Premises, entrance: Gate):
    ada = await guest(premises)
    walked = {"direction": "in", "grant_id": ada.pass_id}
    await entrance.report(entrance.event(**walked))
    assert (await entrance.scan(ada.qr_token)).reason == "passback"

    site: dict[str, Any] = {"site_id": premises.ids["site"], "reason": "turned back in the lane"}
    forgiven = await premises.ask("desk", "access.forgive_pass", guest_pass_id=ada.guest_pass_id, **site)

    assert (forgiven.zone_id, await inside(premises)) == (None, {"hall": 0, "office": 0})
    shown = await premises.ask("member", "access.get_guest_pass", guest_pass_id=ada.guest_pass_id)
    assert shown.state == "left"
    assert (await entrance.scan(ada.qr_token, rid="r2")).admit
    in_office: dict[str, Any] = {"zone_id": premises.ids["office"], "pass_id": ada.pass_id}
    await premises.ask("guard", "access.forgive_pass", **site, **in_office)
    assert await inside(premises) == {"hall": 0, "office": 1}
    assert [(entry.kind, entry.zone_name, entry.note) for entry in (await log(premises))[:2]] == [
        ("forgive", "office", "turned back in the lane"),
        ("forgive", None, "turned back in the lane"),
    ]
    assert await proved(premises) == (2, [])


async def test_a_gate_whose_clock_is_ahead_knows_no_better_than_who_stands_there(
    premises: Premises, entrance: Gate
):
    ada = await guest(premises)
    ahead = premises.now + timedelta(hours=2)
    await entrance.report(entrance.event(direction="in", grant_id=ada.pass_id, at=ahead))

    about: dict[str, Any] = {
        "site_id": premises.ids["site"],
        "guest_pass_id": ada.guest_pass_id,
        "reason": "left",
    }
    forgiven = await premises.ask("guard", "access.forgive_pass", **about)

    assert (forgiven.moved_at, await inside(premises)) == (premises.now, {"hall": 0, "office": 0})


async def test_a_count_is_set_to_what_was_counted_and_the_log_holds_the_difference(
    premises: Premises, entrance: Gate
):
    await entrance.report(*(entrance.event(direction="in") for _ in range(5)))

    about: dict[str, Any] = {"zone_id": premises.ids["hall"], "reason": "counted heads"}
    zone = await premises.ask("guard", "access.correct_count", counted=3, **about)
    again = await premises.ask("guard", "access.correct_count", counted=3, **about)

    assert zone.inside == again.inside == 3
    newest = (await log(premises))[0]
    assert (newest.kind, newest.zone_name, newest.delta, newest.by_name) == (
        "correction",
        "hall",
        -2,
        "guard",
    )
    assert await proved(premises) == (1, [])
    with pytest.raises(Forbidden):
        await premises.ask("member", "access.correct_count", counted=1, **about)
    with pytest.raises(NotFound):
        await premises.ask("guard", "access.correct_count", **about | {"zone_id": 999}, counted=1)


async def test_what_is_written_by_many_at_once_stands_in_one_chain(premises: Premises, entrance: Gate):
    passes = [await guest(premises, f"Guest {number}") for number in range(6)]
    hall, site = premises.ids["hall"], premises.ids["site"]

    await premises.house.at_once(
        *(
            premises.ask("desk", "access.log_visit", guest_pass_id=one.guest_pass_id, action="enter")
            for one in passes
        ),
        *(
            premises.ask("guard", "access.correct_count", zone_id=hall, counted=count, reason="counted")
            for count in (10, 20, 30)
        ),
        *(entrance.report(entrance.event(direction="in", grant_id=one.pass_id)) for one in passes),
    )

    events, findings = await proved(premises)
    assert (events >= 6, findings) == (True, [])
    compared = await premises.ask("admin", "access.rebuild_occupancy", site_id=site)
    assert compared.differences == 0


async def test_an_erased_person_leaves_the_desks_chain_whole(premises: Premises):
    ada = await guest(premises)
    await premises.ask("desk", "access.log_visit", guest_pass_id=ada.guest_pass_id, action="enter")

    async with premises.house.runtime.sessions.begin() as db:
        await db.execute(text("UPDATE access_log SET grant_id = NULL, salt = NULL"))

    assert await proved(premises) == (1, [])


async def test_two_who_count_at_once_leave_the_later_count(premises: Premises):
    about: dict[str, Any] = {"zone_id": premises.ids["hall"], "reason": "counted"}

    answers = await asyncio.gather(
        *(premises.ask("guard", "access.correct_count", counted=count, **about) for count in (7, 9))
    )

    assert {answer.inside for answer in answers} == {7, 9}
    assert (await inside(premises))["hall"] in {7, 9}


async def test_only_a_gate_to_the_street_can_be_where_a_guest_came_in_or_went_out(premises: Premises):
    ada = await guest(premises)
    async with premises.house.runtime.readers() as db:
        desk_gates = select(GateRow.id).where(GateRow.desk)
        await premises.ask("desk", "access.log_visit", guest_pass_id=ada.guest_pass_id, action="enter")
        [desk] = await db.scalars(desk_gates)
    before = await inside(premises)

    for gate_id in (premises.ids["door"], desk):
        with pytest.raises(Invalid, match="gateId"):
            await premises.ask(
                "desk", "access.log_visit", guest_pass_id=ada.guest_pass_id, action="exit", gate_id=gate_id
            )

    assert await inside(premises) == before


async def test_a_gate_that_only_leads_out_is_left_by_its_one_way(premises: Premises):
    ada, hall = await guest(premises), premises.ids["hall"]
    made = await premises.ask(
        "manager", "access.create_gate", site_id=premises.ids["site"], name="way out", from_zone_id=hall
    )
    about: dict[str, Any] = {"guest_pass_id": ada.guest_pass_id}
    await premises.ask("desk", "access.log_visit", action="enter", **about)

    left = await premises.ask("desk", "access.log_visit", action="exit", gate_id=made.gate_id, **about)

    assert (left.action, left.gate_id) == ("exit", made.gate_id)
    assert (await inside(premises))["hall"] == 0
