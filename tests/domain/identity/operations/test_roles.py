"""Roles are given and taken by those who may, and somebody remains admin.

Proves: domain/identity/queries/grants.py
"""

import pytest

from domain.identity.events import UserRoleChanged
from domain.identity.rules.accounts import LastAdmin
from domain.kernel.caller import SERVICE
from domain.kernel.errors import Forbidden, Invalid, NotFound
from tests.house import House


async def change(house, caller, user_id, role, site_id=None, granted=True):
    return await house.call(
        caller, "identity.change_roles", user_id=user_id, role=role, site_id=site_id, granted=granted
    )


def roles(view):
    return {(role.role, role.site_id) for role in view.roles}


async def test_a_manager_gives_and_takes_roles_at_their_own_site(house: House):
    site_id = await house.site()
    ivan = await house.person("ivan")
    await house.person("boss", ("manager", site_id))
    boss = await house.signed_in("boss")

    for role in ("member", "guard", "desk", "manager"):
        view = await change(house, boss, ivan, role, site_id)
        assert roles(view) == {(role, site_id)}
        assert roles(await change(house, boss, ivan, role, site_id, granted=False)) == set()

    facts = [fact for fact in await house.facts("user.role_changed") if fact.aggregate_id == ivan]
    assert [fact.body["granted"] for fact in facts] == [True, False] * 4
    assert [fact.seq for fact in facts] == list(range(2, 10)), "numbered after user.created"
    assert facts[0].actor == f"user:{boss.user_id}"


async def test_a_manager_has_no_say_at_another_site(house: House):
    here, there = await house.site("Here"), await house.site("There")
    ivan = await house.person("ivan", ("guard", there))
    await house.person("boss", ("manager", here), ("guard", there))
    boss = await house.signed_in("boss")

    for role, site_id, granted in (("guard", there, True), ("guard", there, False), ("admin", None, True)):
        with pytest.raises(Forbidden):
            await change(house, boss, ivan, role, site_id, granted)


async def test_an_admin_gives_everything(house: House):
    site_id = await house.site()
    ivan = await house.person("ivan")
    await house.person("root", ("admin", None))
    root = await house.signed_in("root")

    await change(house, root, ivan, "manager", site_id)
    view = await change(house, root, ivan, "admin")

    assert roles(view) == {("manager", site_id), ("admin", None)}


async def test_giving_twice_is_giving_once(house: House):
    site_id = await house.site()
    ivan = await house.person("ivan")

    answers = await house.at_once(*(change(house, SERVICE, ivan, "guard", site_id) for _ in range(10)))
    await change(house, SERVICE, ivan, "desk", site_id, granted=False)

    assert all(roles(view) == {("guard", site_id)} for view in answers)
    assert len(await house.facts("user.role_changed")) == 1


@pytest.mark.parametrize(
    ("role", "place", "field"),
    [
        ("admin", "here", "siteId"),
        ("guard", "everywhere", "siteId"),
        ("guard", "nowhere", "siteId"),
        ("king", "here", "role"),
    ],
)
async def test_what_does_not_go_together_is_named(house: House, role: str, place: str, field: str):
    site_id = {"here": await house.site(), "nowhere": 404, "everywhere": None}[place]
    ivan = await house.person("ivan")

    with pytest.raises(Invalid) as refused:
        await change(house, SERVICE, ivan, role, site_id)

    assert [problem.field for problem in refused.value.errors] == [field]


async def test_nobody_cannot_be_given_a_role(house: House):
    with pytest.raises(NotFound):
        await change(house, SERVICE, 404, "guard", await house.site())


async def test_somebody_remains_admin(house: House):
    one = await house.person("one", ("admin", None))

    with pytest.raises(LastAdmin):
        await change(house, SERVICE, one, "admin", granted=False)


async def test_two_admins_cannot_remove_each_other_at_once(house: House):
    one, two = await house.person("one", ("admin", None)), await house.person("two", ("admin", None))

    answers = await house.at_once(
        change(house, SERVICE, one, "admin", granted=False),
        change(house, SERVICE, two, "admin", granted=False),
    )

    assert sum(isinstance(answer, LastAdmin) for answer in answers) == 1


async def test_a_deactivated_admin_does_not_count(house: House):
    one, two = await house.person("one", ("admin", None)), await house.person("two", ("admin", None))
    await house.call(SERVICE, "identity.deactivate_user", user_id=two)

    with pytest.raises(LastAdmin):
        await change(house, SERVICE, one, "admin", granted=False)


def test_a_changed_role_closes_what_the_person_follows():
    closing = UserRoleChanged(user_id=7, site_id=1, role="guard", granted=False).closes

    assert (closing.user_id, closing.session_id, closing.channel) == (7, None, None)
