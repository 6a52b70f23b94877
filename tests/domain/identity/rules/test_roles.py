"""Who may give which role where."""

import pytest

from domain.identity.rules.roles import GrantedRole, check_grant
from domain.kernel.caller import SERVICE, Caller
from domain.kernel.errors import Forbidden, Invalid

ADMIN = Caller(roles=frozenset({"member", "admin"}), user_id=1)
MANAGER = Caller(
    roles=frozenset({"member", "manager", "guard"}),
    user_id=2,
    site_roles={5: frozenset({"manager"}), 6: frozenset({"guard"})},
)


@pytest.mark.parametrize("role", ["member", "guard", "desk", "manager"])
def test_roles_of_a_site_are_given_by_its_managers_and_by_admins(role: GrantedRole):
    for caller in (ADMIN, SERVICE, MANAGER):
        check_grant(caller, role, 5)
    for elsewhere in (6, 7):
        with pytest.raises(Forbidden):
            check_grant(MANAGER, role, elsewhere)


def test_admin_is_given_by_admins():
    check_grant(ADMIN, "admin", None)
    check_grant(SERVICE, "admin", None)
    with pytest.raises(Forbidden):
        check_grant(MANAGER, "admin", None)


def test_a_role_has_its_place():
    for role, site_id in (("admin", 5), ("guard", None)):
        with pytest.raises(Invalid):
            check_grant(ADMIN, role, site_id)  # type: ignore[arg-type]  # from a list, roles are plain texts
