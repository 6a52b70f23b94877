"""The gates of a site go by its clock from the moment that there is a site, and when it moves."""

from sqlalchemy import select

from domain.access.tables.lists import SiteListRow
from tests.premises import Premises


async def clocks(premises: Premises) -> dict[int, tuple[str, int]]:
    async with premises.house.runtime.readers() as db:
        return {row.site_id: (row.time_zone, row.revision) for row in await db.scalars(select(SiteListRow))}


async def test_a_new_site_has_a_list_with_its_time_zone(premises: Premises):
    made = await premises.ask("admin", "sites.create_site", name="North", time_zone="Europe/Helsinki")

    time_zone, revision = (await clocks(premises))[made.site_id]
    assert time_zone == "Europe/Helsinki"
    assert revision > 0


async def test_gates_are_told_when_the_clock_of_their_site_changes(premises: Premises):
    site = premises.ids["site"]
    _, before = (await clocks(premises))[site]

    await premises.ask("admin", "sites.change_site", site_id=site, time_zone="Asia/Tokyo")

    assert (await clocks(premises))[site] == ("Asia/Tokyo", before + 1)
