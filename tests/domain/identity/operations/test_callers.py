"""A session names its caller with the roles held now."""

import pytest

from domain.kernel.caller import SERVICE
from domain.kernel.errors import Forbidden, Unauthenticated
from tests.house import House


async def test_a_caller_holds_every_role_of_every_site(house: House):
    here, there = await house.site("Here"), await house.site("There")
    user_id = await house.person("ivan", ("guard", here), ("desk", here), ("manager", there))

    caller = await house.signed_in("ivan")

    assert caller.user_id == user_id
    assert caller.roles == {"member", "guard", "desk", "manager"}
    assert caller.site_roles == {here: {"guard", "desk"}, there: {"manager"}}
    assert caller.holds("manager", site_id=there)
    assert not caller.holds("manager", site_id=here)


async def test_somebody_without_roles_is_a_member(house: House):
    await house.person("ivan")

    caller = await house.signed_in("ivan")

    assert caller.roles == {"member"}
    assert not caller.site_roles


async def test_an_admin_is_admin_everywhere(house: House):
    await house.person("ivan", ("admin", None))

    caller = await house.signed_in("ivan")

    assert caller.roles == {"member", "admin"}
    assert caller.holds("guard", site_id=404)


async def test_a_changed_role_is_seen_by_the_session_that_runs(house: House):
    site_id = await house.site()
    user_id = await house.person("ivan", ("guard", site_id))
    caller = await house.signed_in("ivan")
    await house.call(
        SERVICE, "identity.change_roles", user_id=user_id, site_id=site_id, role="guard", granted=False
    )

    again = await house.call(SERVICE, "identity.identify", session_id=caller.session_id)

    assert again.roles == {"member"}


async def test_a_session_that_never_was_is_nobodys(house: House):
    with pytest.raises(Unauthenticated):
        await house.call(SERVICE, "identity.identify", session_id=404)


async def test_people_do_not_identify_others(house: House):
    await house.person("root", ("admin", None))
    root = await house.signed_in("root")

    with pytest.raises(Forbidden):
        await house.call(root, "identity.identify", session_id=root.session_id)
