"""Zones have rules of their own, which managers change one at a time."""

import asyncio
from typing import Any

import pytest

from domain.kernel.errors import Forbidden, Invalid, NotFound
from tests.badges import a_badge, zone_rule
from tests.premises import Premises


async def test_what_is_not_given_stays(premises: Premises):
    timed = await zone_rule(premises, "hall", passback="timed", passback_minutes=5, capacity=10)
    in_order = await zone_rule(premises, "hall", in_order=True)
    again = await zone_rule(premises, "hall", passback="timed")
    longer = await zone_rule(premises, "hall", passback_minutes=7)
    soft = await zone_rule(premises, "hall", passback="soft", capacity=None)

    assert (timed.passback_minutes, again.passback_minutes, longer.passback_minutes) == (5, 5, 7)
    assert (in_order.in_order, in_order.capacity, soft.in_order) == (True, 10, True)
    assert (soft.passback, soft.passback_minutes, soft.capacity) == ("soft", None, None)


async def test_a_site_has_thirty_two_zones_and_each_its_own_bit(premises: Premises):
    site = premises.ids["site"]

    made = await asyncio.gather(
        *(
            premises.ask("manager", "access.create_zone", site_id=site, name=f"zone {number}")
            for number in range(8)
        )
    )
    for number in range(22):
        await premises.ask("manager", "access.create_zone", site_id=site, name=f"further {number}")

    assert sorted(zone.ordinal for zone in made) == list(range(2, 10))
    with pytest.raises(Invalid, match="siteId"):
        await premises.ask("manager", "access.create_zone", site_id=site, name="one too many")
    badge = await a_badge(premises, zone_ids=[made[0].zone_id])
    assert badge.zone_ids == [made[0].zone_id]


async def test_a_zone_is_opened_by_those_on_duty(premises: Premises):
    about: dict[str, Any] = {"zone_id": premises.ids["hall"]}

    for who in ("guard", "desk", "manager"):
        assert (await premises.ask(who, "access.open_zone", **about)).opened_at == premises.now
    for who in ("member", "stranger"):
        with pytest.raises(Forbidden):
            await premises.ask(who, "access.open_zone", **about)
    with pytest.raises(NotFound):
        await premises.ask("guard", "access.open_zone", zone_id=999)
    assert len(await premises.named("zone.changed")) == 5


async def test_a_schedule_of_another_site_is_none(premises: Premises):
    other = await premises.house.site("Other")
    made = await premises.ask("admin", "access.create_schedule", site_id=other, name="Theirs", week=[[]] * 7)

    with pytest.raises(Invalid, match="scheduleId"):
        await zone_rule(premises, "hall", schedule_id=made.schedule_id)
