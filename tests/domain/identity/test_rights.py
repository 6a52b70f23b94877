"""Every operation of identity and sites, tried by every role.

Proves: domain/identity/operations/, domain/sites/operations.py
"""

import pytest

from domain.kernel.caller import ANONYMOUS, ROLES, SERVICE, Caller
from domain.kernel.errors import DomainError, Forbidden, Unauthenticated
from tests.house import House

EVERYBODY = {"member", "guard", "desk", "manager", "admin"}
ALLOWED = {
    "identity.register": {"anonymous", *EVERYBODY},
    "identity.login": {"anonymous", *EVERYBODY},
    "identity.refresh": {"anonymous", *EVERYBODY},
    "identity.logout": {"anonymous", *EVERYBODY},
    "identity.request_password_reset": {"anonymous", *EVERYBODY},
    "identity.confirm_password_reset": {"anonymous", *EVERYBODY},
    "identity.me": EVERYBODY,
    "identity.get_user": {"service", *EVERYBODY},
    "identity.list_users": {"service", "desk", "manager", "admin"},
    "identity.create_user": {"service", "manager", "admin"},
    "identity.change_roles": {"service", "manager", "admin"},
    "identity.deactivate_user": {"service", "admin"},
    "identity.identify": {"service"},
    "identity.create_admin": {"service"},
    "sites.list_sites": EVERYBODY,
    "sites.get_site": {"service", *EVERYBODY},
    "sites.create_site": {"admin"},
    "sites.change_site": {"manager", "admin"},
    "sites.move_site": {"admin"},
    "sites.list_placements": {"service"},
    "sites.note_followed": {"service"},
}


def caller_with(role):
    """Return who holds this role, as the server would make them: whoever is signed in is a member too."""
    if role == "anonymous":
        return ANONYMOUS
    if role == "service":
        return SERVICE
    if role == "device":
        return Caller(roles=frozenset({"device"}), gate_id=1)
    return Caller(roles=frozenset({"member", role}), user_id=1, session_id=1)


async def test_the_table_of_rights_names_every_operation(house: House):
    own = {name for name in house.catalogue.operations if name.startswith(("identity.", "sites."))}

    assert own == set(ALLOWED)


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("operation", sorted(ALLOWED))
async def test_the_door_lets_in_whom_it_should(house: House, operation: str, role: str):
    allowed = role in ALLOWED[operation]

    # Without its input an operation refuses those it lets in for another reason, or answers.
    try:
        await house.call(caller_with(role), operation, no_such_field=1)
        raise AssertionError("junk was taken")
    except DomainError as refusal:
        assert isinstance(refusal, Forbidden | Unauthenticated) is not allowed
