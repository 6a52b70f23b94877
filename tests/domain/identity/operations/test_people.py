"""People are looked up by themselves and by those who work with them.

Proves: domain/identity/operations/views.py
"""

import msgspec
import pytest

from domain.kernel.caller import SERVICE
from domain.kernel.errors import Forbidden, NotFound
from tests.house import PASSWORD, House


async def test_people_learn_who_they_are(house: House):
    site_id = await house.site("Tower")
    user_id = await house.person("ivan", ("guard", site_id), ("admin", None))

    view = await house.call(await house.signed_in("ivan"), "identity.me")

    assert msgspec.to_builtins(view) == {
        "id": user_id,
        "email": "ivan@example.com",
        "username": "ivan",
        "firstName": "",
        "lastName": "",
        "locale": "en",
        "state": "active",
        "roles": [
            {"siteId": site_id, "siteName": "Tower", "role": "guard"},
            {"siteId": None, "siteName": None, "role": "admin"},
        ],
    }


async def test_a_service_is_nobody_to_tell(house: House):
    with pytest.raises(Forbidden):
        await house.call(SERVICE, "identity.me")


@pytest.mark.parametrize("role", ["member", "guard"])
async def test_others_are_hidden_from_those_who_do_not_work_with_people(house: House, role: str):
    site_id = await house.site()
    ivan = await house.person("ivan", (role, site_id))
    maria = await house.person("maria")
    caller = await house.signed_in("ivan")

    assert (await house.call(caller, "identity.get_user", user_id=ivan)).id == ivan
    with pytest.raises(NotFound):
        await house.call(caller, "identity.get_user", user_id=maria)
    with pytest.raises(Forbidden):
        await house.call(caller, "identity.list_users")


@pytest.mark.parametrize("role", ["desk", "manager"])
async def test_reception_and_managers_look_people_up(house: House, role: str):
    here, there = await house.site("Here"), await house.site("There")
    ivan = await house.person("ivan", (role, here))
    maria = await house.person("maria", ("member", there))
    caller = await house.signed_in("ivan")

    assert (await house.call(caller, "identity.get_user", user_id=maria)).username == "maria"
    assert [one.id for one in (await house.call(caller, "identity.list_users")).items] == [ivan, maria]
    of_site = await house.call(caller, "identity.list_users", site_id=here)
    assert [one.id for one in of_site.items] == [ivan]
    with pytest.raises(Forbidden):
        await house.call(caller, "identity.list_users", site_id=there)


async def test_people_are_found_by_part_of_a_name(house: House):
    for username, first, last in (("a1", "Иван", "Иванов"), ("b_2", "Maria", "Stone"), ("c3", "Ivo", "100%")):
        await house.call(
            SERVICE,
            "identity.create_user",
            username=username,
            email=f"{username}@example.com",
            password=PASSWORD,
            first_name=first,
            last_name=last,
        )

    async def found(search):
        page = await house.call(SERVICE, "identity.list_users", search=search)
        return [one.username for one in page.items]

    assert await found("иван иван") == ["a1"]
    assert await found("STONE") == ["b_2"]
    assert await found("b_2@") == ["b_2"]
    assert await found("%") == ["c3"]
    assert await found("_") == ["b_2"]


async def test_a_list_goes_on_where_it_stopped(house: House):
    ids = [await house.person(f"u{n}") for n in range(5)]

    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = await house.call(SERVICE, "identity.list_users", limit=2, cursor=cursor)
        seen += [one.id for one in page.items]
        cursor, pages = page.next_cursor, pages + 1

    assert (seen, pages) == (ids, 3)


async def test_nobody_is_not_found(house: House):
    with pytest.raises(NotFound):
        await house.call(SERVICE, "identity.get_user", user_id=404)
