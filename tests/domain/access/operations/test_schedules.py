"""Hours are read off the wall of the site, on its holidays too, by passes and zones alike."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.kernel.errors import Forbidden, Invalid, NotFound
from tests.badges import CARD, Visitors, a_badge, zone_rule
from tests.premises import Gate, Premises

OFFICE_HOURS: list[Any] = [[[540, 1080]]] * 5 + [[], []]


async def hours(premises: Premises, name: str = "Office hours", **members: Any) -> Any:
    given: dict[str, Any] = {"site_id": premises.ids["site"], "name": name, "week": OFFICE_HOURS}
    return await premises.ask("manager", "access.create_schedule", **given | members)


async def test_a_badge_opens_at_its_hours_by_the_clock_of_the_site(premises: Premises, entrance: Gate):
    schedule = await hours(premises)
    await a_badge(premises, card=CARD, schedule_id=schedule.schedule_id)
    people, clock = Visitors(entrance), premises.house.clock

    # 18:00 in Moscow is 15:00 UTC
    clock.now = datetime(2026, 3, 2, 14, 59, 59, tzinfo=UTC)
    before = await people.reason(CARD)
    clock.now = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    after = await people.show(CARD)
    clock.now = datetime(2026, 3, 7, 9, 0, tzinfo=UTC)

    assert (before, after.reason, await people.reason(CARD)) == ("ok", "out_of_hours", "out_of_hours")
    (step,) = [step for step in after.trace if step.rule == "hours"]
    assert step.inputs == {
        "weekday": 0,
        "minute": 1080,
        "holiday": False,
        "pass_open": False,
        "pass_hours": "09:00-18:00",
    }


async def test_on_a_holiday_of_the_site_other_hours_hold(premises: Premises, entrance: Gate):
    schedule = await hours(premises, holidays=[[600, 720]])
    await a_badge(premises, card=CARD, schedule_id=schedule.schedule_id)
    day: dict[str, Any] = {"site_id": premises.ids["site"], "day": "2026-03-03"}
    await premises.ask("manager", "access.set_holiday", **day, name="A day off")
    people, clock = Visitors(entrance), premises.house.clock

    clock.now = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
    within = await people.reason(CARD)
    clock.now = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
    after = await people.reason(CARD)
    await premises.ask("manager", "access.unset_holiday", **day)

    assert (within, after, await people.reason(CARD)) == ("ok", "out_of_hours", "ok")


async def test_a_zone_has_hours_of_its_own(premises: Premises, entrance: Gate):
    schedule = await hours(premises, week=[[]] * 7)
    await zone_rule(premises, "hall", schedule_id=schedule.schedule_id)
    await a_badge(premises, card=CARD)
    people = Visitors(entrance)

    shut = await people.reason(CARD)
    await zone_rule(premises, "hall", schedule_id=None)

    assert (shut, await people.reason(CARD)) == ("out_of_hours", "ok")


async def test_a_changed_schedule_holds_for_all_that_refer_to_it(premises: Premises, entrance: Gate):
    schedule = await hours(premises, holidays=[[0, 60]])
    await a_badge(premises, card=CARD, schedule_id=schedule.schedule_id)
    about: dict[str, Any] = {"schedule_id": schedule.schedule_id}

    changed = await premises.ask("manager", "access.change_schedule", **about, week=[[]] * 7)
    renamed = await premises.ask("manager", "access.change_schedule", **about, name="Never")

    assert await Visitors(entrance).reason(CARD) == "out_of_hours"
    assert (changed.name, changed.holidays) == ("Office hours", ((0, 60),))
    assert (renamed.name, renamed.week) == ("Never", ((),) * 7)
    listed = await premises.ask("guard", "access.list_schedules", site_id=premises.ids["site"])
    assert listed.items == [renamed]


async def test_a_site_follows_its_clock_when_it_moves(premises: Premises, entrance: Gate):
    schedule = await hours(premises)
    await a_badge(premises, card=CARD, schedule_id=schedule.schedule_id)
    people = Visitors(entrance)
    premises.house.clock.now = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)

    in_moscow = await people.reason(CARD)
    await premises.ask("admin", "sites.change_site", site_id=premises.ids["site"], time_zone="Europe/Berlin")

    assert (in_moscow, await people.reason(CARD)) == ("ok", "out_of_hours")


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"week": [[]] * 6}, "week"),
        ({"week": [[[540, 1080]]] * 6 + [[[600, 600]]]}, "week[6][0]"),
        ({"week": [[[0, 60], [30, 90]]] + [[]] * 6}, "week[0][1]"),
        ({"week": [[[0, 1441]]] + [[]] * 6}, "week[0][0][1]"),
        ({"holidays": [[60, 0]]}, "holidays[0]"),
        ({"name": ""}, "name"),
        ({"name": "Taken"}, "name"),
    ],
)
async def test_bad_hours_name_their_place(premises: Premises, members: dict[str, Any], field: str):
    await hours(premises, "Taken")

    with pytest.raises(Invalid) as refused:
        await hours(premises, **members)

    assert [problem.field for problem in refused.value.errors] == [field]


async def test_holidays_are_days_of_a_site_and_managers_set_them(premises: Premises):
    about: dict[str, Any] = {"site_id": premises.ids["site"], "day": "2026-05-09"}
    await premises.ask("manager", "access.set_holiday", **about, name="Victory")
    await premises.ask("manager", "access.set_holiday", **about, name="Victory Day")

    days = await premises.ask("guard", "access.list_holidays", site_id=premises.ids["site"])

    assert [(one.day.isoformat(), one.name) for one in days] == [("2026-05-09", "Victory Day")]
    with pytest.raises(Forbidden):
        await premises.ask("desk", "access.set_holiday", **about, name="Mine")
    with pytest.raises(Invalid, match="day"):
        await premises.ask("manager", "access.set_holiday", **about | {"day": "9 May"}, name="x")
    await premises.ask("manager", "access.unset_holiday", **about)
    with pytest.raises(NotFound):
        await premises.ask("manager", "access.unset_holiday", **about)


async def test_a_holiday_of_no_site_is_refused_by_name(premises: Premises):
    with pytest.raises(Invalid, match="siteId: there is no such site"):
        await premises.ask("admin", "access.set_holiday", site_id=10**9, day="2026-05-01", name="May Day")
