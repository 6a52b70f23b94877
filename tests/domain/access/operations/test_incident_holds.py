"""What happened during an incident is kept while somebody looks into it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.kernel.errors import Forbidden, Invalid, NotFound
from tests.premises import Premises


async def place(premises: Premises, who: str = "guard", **members: Any) -> Any:
    given = {
        "since": "2026-03-02T09:00:00",
        "until": "2026-03-02T10:00:00",
        "reason": "a broken door",
        **members,
    }
    return await premises.ask(who, "access.place_incident_hold", site_id=premises.ids["site"], **given)


async def test_a_guard_places_a_hold_in_the_time_of_the_site(premises: Premises):
    hold = await place(premises)

    assert hold.since == datetime.fromisoformat("2026-03-02T06:00:00+00:00"), "nine o'clock in Moscow"
    listed = await premises.ask("manager", "access.list_incident_holds", site_id=premises.ids["site"])
    assert [one.incident_hold_id for one in listed.items] == [hold.incident_hold_id]
    assert [fact.site_id for fact in await premises.named("incident_hold.placed")] == [premises.ids["site"]]


async def test_a_hold_ends_after_it_begins(premises: Premises):
    with pytest.raises(Invalid) as refused:
        await place(premises, until="2026-03-02T09:00:00")

    assert [error.field for error in refused.value.errors] == ["until"]


async def test_a_manager_releases_it_once_and_others_do_not(premises: Premises):
    hold = await place(premises)
    with pytest.raises(Forbidden):
        await premises.ask("guard", "access.release_incident_hold", incident_hold_id=hold.incident_hold_id)
    with pytest.raises(NotFound):
        await premises.ask("manager", "access.release_incident_hold", incident_hold_id=10**9)

    released = await premises.ask(
        "manager", "access.release_incident_hold", incident_hold_id=hold.incident_hold_id
    )
    premises.house.clock.now += timedelta(hours=1)
    again = await premises.ask(
        "manager", "access.release_incident_hold", incident_hold_id=hold.incident_hold_id
    )

    assert again.released_at == released.released_at is not None
    assert len(await premises.named("incident_hold.released")) == 1
