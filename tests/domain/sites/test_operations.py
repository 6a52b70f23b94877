"""Sites are opened by admins, changed by their managers, and seen by everybody."""

from typing import Any

import pytest

from domain.kernel.caller import SERVICE
from domain.kernel.errors import Forbidden, Invalid, NotFound
from domain.sites.operations import Placement, names_of, time_zone_of
from tests.house import House


async def admin_of(house):
    await house.person("root", ("admin", None))
    return await house.signed_in("root")


async def test_an_admin_opens_a_site(house: House):
    root = await admin_of(house)

    view = await house.call(root, "sites.create_site", name="Башня", timezone="Europe/Moscow")

    assert (view.name, view.time_zone) == ("Башня", "Europe/Moscow")
    assert await house.call(root, "sites.get_site", site_id=view.site_id) == view
    (fact,) = await house.facts("site.created")
    assert (fact.body, fact.seq, fact.actor) == ({"siteId": view.site_id}, 1, root.actor)


async def test_a_manager_changes_their_own_site_only(house: House):
    here, there = await house.site("Here"), await house.site("There")
    await house.person("boss", ("manager", here), ("guard", there))
    boss = await house.signed_in("boss")

    renamed = await house.call(boss, "sites.change_site", site_id=here, name="Hall")
    moved = await house.call(boss, "sites.change_site", site_id=here, time_zone="Asia/Tokyo")

    assert (renamed.name, renamed.time_zone) == ("Hall", "UTC")
    assert (moved.name, moved.time_zone) == ("Hall", "Asia/Tokyo")
    assert [fact.seq for fact in await house.facts("site.updated")] == [2, 3]
    with pytest.raises(Forbidden):
        await house.call(boss, "sites.change_site", site_id=there, name="Mine")
    with pytest.raises(Forbidden):
        await house.call(boss, "sites.create_site", name="Another")


async def test_changes_at_once_are_all_numbered(house: House):
    root, site_id = await admin_of(house), await house.site()

    await house.at_once(
        *(house.call(root, "sites.change_site", site_id=site_id, name=f"n{n}") for n in range(10))
    )

    assert [fact.seq for fact in await house.facts("site.updated")] == list(range(2, 12))


async def test_everybody_signed_in_sees_the_sites(house: House):
    ids = [await house.site(f"Site {n}") for n in range(5)]
    await house.person("ivan")
    ivan = await house.signed_in("ivan")

    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = await house.call(ivan, "sites.list_sites", limit=2, cursor=cursor)
        seen += [one.site_id for one in page.items]
        cursor, pages = page.next_cursor, pages + 1

    assert (seen, pages) == (ids, 3)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeZone", "Mars/Olympus"),
        ("timeZone", ""),
        ("timeZone", "../etc/passwd"),
        ("timeZone", "Europe"),
        ("timeZone", "\u0000"),
        ("name", ""),
        ("name", "x" * 201),
        ("name", 7),
    ],
)
async def test_each_bad_field_is_named(house: House, field: str, value: Any):
    root = await admin_of(house)

    with pytest.raises(Invalid) as refused:
        await house.call(root, "sites.create_site", **{"name": "Tower", field: value})

    assert [problem.field for problem in refused.value.errors] == [field]
    assert await house.facts("site.created") == []


async def test_a_site_that_is_not_there_is_not_found(house: House):
    root = await admin_of(house)

    with pytest.raises(NotFound):
        await house.call(root, "sites.get_site", site_id=404)
    with pytest.raises(NotFound):
        await house.call(root, "sites.change_site", site_id=404, name="x")


async def test_a_cursor_of_another_list_is_refused(house: House):
    with pytest.raises(Invalid):
        await house.call(await admin_of(house), "sites.list_sites", cursor="nonsense")


async def test_the_contexts_above_learn_names_and_zones(house: House):
    site_id = await house.site("Tower")

    async with house.runtime.readers() as db:
        ctx = house.runtime.context(SERVICE, db)
        assert await names_of(ctx, {site_id, 404}) == {site_id: "Tower"}
        assert await names_of(ctx, ()) == {}
        assert await time_zone_of(ctx, site_id) == "UTC"
        with pytest.raises(NotFound):
            await time_zone_of(ctx, 404)


async def test_a_site_moves_to_another_shard_and_is_let_go_when_that_follows_it(house: House):
    root, site_id = await admin_of(house), await house.site()

    moved = await house.call(root, "sites.move_site", site_id=site_id, shard=2)
    again = await house.call(root, "sites.move_site", site_id=site_id, shard=2)

    assert moved.shard == again.shard == 2
    (fact,) = await house.facts("site.moved")
    assert fact.body == {"siteId": site_id, "shard": 2}
    assert await house.call(SERVICE, "sites.list_placements") == [Placement(site_id, 2, 0)]
    await house.call(SERVICE, "sites.note_followed", shard=1, site_ids=[site_id])
    assert await house.call(SERVICE, "sites.list_placements") == [Placement(site_id, 2, 0)]
    await house.call(SERVICE, "sites.note_followed", shard=2, site_ids=[site_id])
    assert await house.call(SERVICE, "sites.list_placements") == [Placement(site_id, 2, 2)]


@pytest.mark.parametrize("shard", [-1, 1000])
async def test_a_shard_has_a_number_below_a_thousand(house: House, shard: int):
    root, site_id = await admin_of(house), await house.site()
    with pytest.raises(Invalid, match="shard"):
        await house.call(root, "sites.move_site", site_id=site_id, shard=shard)


async def test_only_admins_move_sites(house: House):
    site_id = await house.site()
    await house.person("boss", ("manager", site_id))
    with pytest.raises(Forbidden):
        await house.call(await house.signed_in("boss"), "sites.move_site", site_id=site_id, shard=1)
