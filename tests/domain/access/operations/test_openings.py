"""A zone that waits for its first person is open for the day once somebody who may open it has walked in."""

from datetime import datetime, timedelta

from tests.badges import CARD, Visitors, a_badge, passage_of, zone_rule
from tests.premises import Gate, Premises


async def opened_at(premises: Premises, zone: str) -> datetime | None:
    found = await premises.ask("guard", "access.get_zone", zone_id=premises.ids[zone])
    return found.opened_at  # type: ignore[no-any-return]  # a view of zones


async def test_only_a_walk_into_a_zone_that_waits_opens_it(premises: Premises, entrance: Gate, door: Gate):
    await zone_rule(premises, "office", first_person=True)
    await a_badge(premises, card=CARD, opens=True)

    await Visitors(entrance).walk(CARD)
    admitted = await Visitors(door).show(CARD)
    before = await opened_at(premises, "office")
    await door.report(passage_of(door, admitted))

    assert (before, await opened_at(premises, "office")) == (None, premises.now)
    assert await opened_at(premises, "hall") is None


async def test_who_may_not_open_opens_nothing(premises: Premises, entrance: Gate):
    made = await a_badge(premises)
    await zone_rule(premises, "hall", first_person=True)

    await entrance.report(entrance.event("passage", direction="in", grant_id=made.pass_id))

    assert await opened_at(premises, "hall") is None


async def test_told_late_it_was_opened_then_and_an_older_walk_takes_nothing_back(
    premises: Premises, entrance: Gate
):
    made = await a_badge(premises, opens=True, passback="off")
    await zone_rule(premises, "hall", first_person=True)
    yesterday, today = premises.now - timedelta(days=1), premises.now - timedelta(minutes=5)
    walked = [
        entrance.event("passage", direction="in", grant_id=made.pass_id, at=at, historical=True)
        for at in (today, yesterday)
    ]

    await entrance.report(walked[1])
    late = await opened_at(premises, "hall")
    await entrance.report(walked[0], walked[1])

    assert (late, await opened_at(premises, "hall")) == (yesterday, today)
