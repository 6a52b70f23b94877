"""Everybody inside is accounted for, by several guards and by gates, and what does not add up is said.

Proves: domain/access/operations/musters.py, domain/access/operations/muster_scans.py,
domain/access/operations/pass_codes.py
"""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from domain.access.operations.musters import MusterOver
from domain.kernel.errors import Forbidden, Invalid, NotFound
from tests.premises import Gate, Premises


async def guest(premises: Premises, name: str, **members: Any) -> Any:
    window = {
        "start": premises.now.isoformat(),
        "end": (premises.now + timedelta(days=2)).isoformat(),
    }
    return await premises.ask("member", "access.create_guest_pass", guest_name=name, **window | members)


async def come_in(gate: Gate, made: Any, **members: Any) -> None:
    await gate.report(gate.event(direction="in", grant_id=made.pass_id, **members))


async def begin(premises: Premises, who: str = "guard", **members: Any) -> Any:
    site = premises.ids["site"]
    return await premises.ask(who, "access.begin_muster", site_id=site, reason="smoke", **members)


async def sheet(premises: Premises, muster: Any) -> Any:
    return await premises.ask("desk", "access.show_muster", muster_id=muster.muster_id)


async def inside(premises: Premises) -> Any:
    return await premises.ask("guard", "access.list_inside", site_id=premises.ids["site"])


async def by_name(premises: Premises, muster: Any) -> dict[str, Any]:
    return {person.name: person for person in (await sheet(premises, muster)).people}


async def mark(premises: Premises, muster: Any, made: Any, who: str = "guard") -> Any:
    about = {"muster_id": muster.muster_id, "pass_id": made.pass_id}
    return await premises.ask(who, "access.mark_safe", **about)


async def test_who_is_inside_is_told_with_place_host_and_confidence(
    premises: Premises, entrance: Gate, door: Gate
):
    ada, bob, eve, joe = [await guest(premises, name) for name in ("Ada", "Bob", "Eve", "Joe")]
    await come_in(entrance, ada, at=premises.now - timedelta(hours=13), historical=True)
    await come_in(entrance, bob, source="offline")
    await come_in(door, eve)
    await come_in(entrance, joe)
    premises.house.clock.advance(minutes=5)
    await door.report(door.event("alarm_on", detail={"alarm": "tailgate"}))
    premises.house.clock.advance(minutes=5)
    await premises.ask(
        "guard",
        "access.forgive_pass",
        site_id=premises.ids["site"],
        pass_id=joe.pass_id,
        zone_id=premises.ids["hall"],
        reason="seen",
    )

    people = {person.name: person for person in (await inside(premises)).people}

    told = {name: (one.zone_name, one.last_gate_name, one.confidence) for name, one in people.items()}
    assert told == {
        "Ada": ("hall", "entrance", "doubt"),
        "Bob": ("hall", "entrance", "doubt"),
        "Eve": ("office", "door", "doubt"),
        "Joe": ("hall", "Desk", "seen"),
    }
    assert people["Ada"].host_name == "member"
    assert people["Eve"].last_at == premises.now - timedelta(minutes=10)


async def test_who_came_long_ago_or_by_an_unsure_gate_is_assumed_to_be_inside(
    premises: Premises, entrance: Gate
):
    ada, bob, eve = [await guest(premises, name) for name in ("Ada", "Bob", "Eve")]
    await come_in(entrance, ada, at=premises.now - timedelta(hours=12), historical=True)
    await come_in(entrance, bob, clock="unsure")
    await come_in(entrance, eve)

    told = {person.name: person.confidence for person in (await inside(premises)).people}

    assert told == {"Ada": "assumed", "Bob": "assumed", "Eve": "seen"}


async def test_the_numbers_of_a_zone_are_told_with_their_parts_and_what_does_not_add_up(
    premises: Premises, entrance: Gate, door: Gate
):
    ada, bob = [await guest(premises, name) for name in ("Ada", "Bob")]
    for made in (ada, bob):
        await come_in(entrance, made)
    await entrance.report(*(entrance.event(direction="in") for _ in range(4)))
    await entrance.report(entrance.event(direction="out"))
    about: dict[str, Any] = {"zone_id": premises.ids["hall"], "reason": "counted"}
    await premises.ask("guard", "access.correct_count", counted=6, **about)
    premises.house.clock.advance(seconds=5)
    # seen next at the far side of the office, without having been seen at the door
    await door.report(door.event(direction="out", grant_id=ada.pass_id))
    await premises.ask("guard", "access.correct_count", counted=1, **about)

    hall, office = (await inside(premises)).zones

    assert (hall.inside, hall.came, hall.went, hall.corrected) == (1, 7, 1, -4)
    assert (hall.elsewhere, hall.known, hall.unknown) == (-1, 2, 0)
    assert [remark.split(":")[0] for remark in hall.remarks] == [
        "1 left without being seen at a gate of this zone",
        "1 more passes than people counted",
    ]
    assert (office.inside, office.went, office.elsewhere) == (0, 1, 1)


async def test_many_who_begin_at_once_begin_one_muster(premises: Premises):
    first, *others = await premises.house.at_once(
        *(begin(premises, who) for who in ("guard", "desk", "manager"))
    )

    assert {one.muster_id for one in others} == {first.muster_id}
    assert len(await premises.named("muster.begun")) == 1
    listed = await premises.ask("guard", "access.list_musters", site_id=premises.ids["site"])
    assert [one.muster_id for one in listed.items] == [first.muster_id]


async def test_a_muster_may_go_with_an_evacuation(premises: Premises, entrance: Gate):
    await begin(premises, evacuate=True)

    gate = await premises.ask("guard", "access.get_gate", gate_id=entrance.gate_id)
    assert gate.mode == "evacuate"
    with pytest.raises(Forbidden):
        await begin(premises, "desk", evacuate=True)


async def test_two_who_mark_the_same_person_at_once_make_one_mark(premises: Premises, entrance: Gate):
    ada = await guest(premises, "Ada")
    await come_in(entrance, ada)
    muster = await begin(premises)

    first, second = await premises.house.at_once(
        mark(premises, muster, ada, "guard"), mark(premises, muster, ada, "desk")
    )

    assert first == second and first.safe and first.marked_by_name in ("guard", "desk")
    assert len(await premises.named("muster.marked")) == 1
    numbers = (await sheet(premises, muster)).muster.summary
    assert (numbers.inside, numbers.known, numbers.safe, numbers.missing) == (1, 1, 1, 0)


async def test_a_mark_is_taken_back_and_set_again(premises: Premises, entrance: Gate):
    ada = await guest(premises, "Ada")
    await come_in(entrance, ada)
    muster = await begin(premises)
    about = {"muster_id": muster.muster_id, "pass_id": ada.pass_id}

    assert not (await premises.ask("guard", "access.unmark_safe", **about)).safe
    await mark(premises, muster, ada)
    taken_back = await premises.ask("desk", "access.unmark_safe", **about)
    assert (taken_back.safe, taken_back.marked_by_name) == (False, "desk")
    assert (await mark(premises, muster, ada)).safe
    assert [fact.safe for fact in await premises.named("muster.marked")] == [True, False, True]


async def test_a_pass_that_opens_nothing_any_more_is_safe_with_a_warning(premises: Premises, entrance: Gate):
    ada, bob = [await guest(premises, name) for name in ("Ada", "Bob")]
    for made in (ada, bob):
        await come_in(entrance, made)
    await premises.ask("guard", "access.revoke_guest_pass", guest_pass_id=ada.guest_pass_id)
    muster = await begin(premises)

    scanned = await premises.ask(
        "guard", "access.scan_safe", muster_id=muster.muster_id, presented=ada.qr_token
    )
    premises.house.clock.advance(days=2)
    late = await premises.ask("guard", "access.scan_safe", muster_id=muster.muster_id, presented=bob.qr_token)

    assert (scanned.safe, scanned.marked_way, scanned.warning) == (True, "scan", "revoked")
    assert (late.safe, late.warning) == (True, "expired")
    for junk in ("junk", "A" * 120):
        with pytest.raises(Invalid, match="presented"):
            await premises.ask("guard", "access.scan_safe", muster_id=muster.muster_id, presented=junk)


async def test_gates_mark_those_who_are_outside_or_where_people_gather(
    premises: Premises, entrance: Gate, door: Gate
):
    """The office stands for the yard here: who goes there is safe, who only comes in from the street is not."""
    out, at_gate, gathered, deeper, back = [
        await guest(premises, name) for name in ("out", "at gate", "gathered", "deeper", "back")
    ]
    for made in (out, at_gate, gathered, deeper, back):
        await come_in(entrance, made)
    premises.house.clock.advance(minutes=1)
    muster = await begin(premises, point_zone_ids=[premises.ids["office"]])
    long_ago = premises.now - timedelta(seconds=90)
    late = entrance.event(direction="out", grant_id=deeper.pass_id, at=long_ago, historical=True)
    await entrance.report(
        late,
        # this gate's clock is a year behind, which does not make the walk an old one
        entrance.event(direction="out", grant_id=out.pass_id, at=premises.now - timedelta(days=365)),
        entrance.event("decision", direction="in", admit=False, reason="lockdown", grant_id=at_gate.pass_id),
        entrance.event("decision", direction="out", admit=True, reason="ok", grant_id=deeper.pass_id),
        entrance.event(direction="out", grant_id=back.pass_id),
    )
    await come_in(door, gathered)

    assert await premises.serve("access.note_scans") == 4
    assert await premises.serve("access.note_scans") == 0
    premises.house.clock.advance(seconds=5)
    await come_in(entrance, back)
    assert await premises.serve("access.note_scans") == 1

    people = await by_name(premises, muster)
    assert {name: one.safe for name, one in people.items()} == {
        "out": True,
        "at gate": True,
        "gathered": True,
        "deeper": False,
        "back": False,
    }
    assert (people["gathered"].marked_way, people["gathered"].marked_gate_id) == ("gate", door.gate_id)


async def test_what_a_gate_saw_before_does_not_undo_what_somebody_said_since(
    premises: Premises, entrance: Gate
):
    ada = await guest(premises, "Ada")
    await come_in(entrance, ada)
    premises.house.clock.advance(seconds=1)
    muster = await begin(premises)
    await entrance.report(entrance.event(direction="out", grant_id=ada.pass_id))
    about = {"muster_id": muster.muster_id, "pass_id": ada.pass_id}
    await mark(premises, muster, ada)
    await premises.ask("guard", "access.unmark_safe", **about)

    assert await premises.serve("access.note_scans") == 0

    assert not (await by_name(premises, muster))["Ada"].safe


async def test_a_visit_that_the_desk_writes_down_counts_as_a_gates_report(premises: Premises, entrance: Gate):
    ada = await guest(premises, "Ada")
    await come_in(entrance, ada)
    premises.house.clock.advance(seconds=1)
    muster = await begin(premises)
    await premises.ask("desk", "access.log_visit", guest_pass_id=ada.guest_pass_id, action="exit")

    assert await premises.serve("access.note_scans") == 1
    assert (await by_name(premises, muster))["Ada"].safe


async def test_an_ended_muster_keeps_its_numbers_and_who_was_not_found(premises: Premises, entrance: Gate):
    ada, bob = [await guest(premises, name) for name in ("Ada", "Bob")]
    for made in (ada, bob):
        await come_in(entrance, made)
    await entrance.report(entrance.event(direction="in"))
    muster = await begin(premises)
    await mark(premises, muster, ada)

    ended = await premises.ask("guard", "access.end_muster", muster_id=muster.muster_id)
    premises.house.clock.advance(seconds=1)
    await entrance.report(entrance.event(direction="out", grant_id=bob.pass_id))

    numbers = ended.summary
    assert (numbers.inside, numbers.known, numbers.unknown) == (3, 2, 1)
    assert (numbers.safe, numbers.missing, ended.ended_by_name) == (1, 1, "guard")
    kept = await sheet(premises, muster)
    assert {person.name: person.safe for person in kept.people} == {"Ada": True, "Bob": False}
    assert kept.muster == ended and [zone.inside for zone in kept.zones] == [3, 0]
    for ask in ("access.mark_safe", "access.unmark_safe"):
        with pytest.raises(MusterOver):
            await premises.ask("guard", ask, muster_id=muster.muster_id, pass_id=bob.pass_id)
    with pytest.raises(MusterOver):
        await premises.ask("guard", "access.end_muster", muster_id=muster.muster_id)
    async with premises.house.runtime.readers() as db:
        stored = (await db.scalars(text("SELECT summary::text FROM musters"))).one()
    assert "Ada" not in stored and "Bob" not in stored
    assert (await begin(premises)).muster_id != muster.muster_id


async def test_musters_are_for_staff_and_passes_of_the_site(premises: Premises, entrance: Gate):
    muster = await begin(premises)
    asked: dict[str, dict[str, Any]] = {
        "access.begin_muster": {"site_id": premises.ids["site"], "reason": "x"},
        "access.list_inside": {"site_id": premises.ids["site"]},
        "access.show_muster": {"muster_id": muster.muster_id},
        "access.end_muster": {"muster_id": muster.muster_id},
    }
    for ask, members in asked.items():
        with pytest.raises(Forbidden):
            await premises.ask("member", ask, **members)
    with pytest.raises(Invalid, match="passId"):
        about = {"muster_id": muster.muster_id, "pass_id": 999}
        await premises.ask("guard", "access.mark_safe", **about)
    with pytest.raises(NotFound):
        await premises.ask("guard", "access.show_muster", muster_id=999)
    with pytest.raises(Invalid, match="pointZoneIds"):
        await begin(premises, point_zone_ids=[999])
