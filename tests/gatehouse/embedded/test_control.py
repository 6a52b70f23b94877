"""The account commands of the stand-in broker."""

from typing import Any

import msgspec

from gatehouse.embedded import accounts, control


def given(
    document: accounts.Document, *commands: dict[str, Any]
) -> tuple[accounts.Document, list[dict[str, Any]]]:
    after, answer = control.handle(document, msgspec.json.encode({"commands": commands}))
    return after, msgspec.json.decode(answer)["responses"]


ROLE = {"command": "createRole", "rolename": "gate-3"}
CLIENT = {"command": "createClient", "username": "3", "password": "right", "roles": [{"rolename": "gate-3"}]}
SEND = {"acltype": "publishClientSend", "topic": "up/#", "allow": True}


def test_a_client_with_a_role_may_what_the_role_allows():
    document, _ = given(
        accounts.empty(), ROLE, {"command": "addRoleACL", "rolename": "gate-3", **SEND}, CLIENT
    )

    assert accounts.knows(document, "3", "right")
    assert accounts.may(document, "3", "publishClientSend", "up/evt")


def test_a_new_password_replaces_the_old_one():
    document, _ = given(accounts.empty(), ROLE, CLIENT)

    document, _ = given(document, {"command": "setClientPassword", "username": "3", "password": "new"})

    assert accounts.knows(document, "3", "new")
    assert not accounts.knows(document, "3", "right")


def test_a_client_is_disabled_enabled_and_deleted():
    document, _ = given(accounts.empty(), ROLE, CLIENT)

    disabled, _ = given(document, {"command": "disableClient", "username": "3"})
    enabled, _ = given(disabled, {"command": "enableClient", "username": "3"})
    deleted, _ = given(enabled, {"command": "deleteClient", "username": "3"})

    assert not accounts.knows(disabled, "3", "right")
    assert accounts.knows(enabled, "3", "right")
    assert not accounts.knows(deleted, "3", "right")


def test_a_deleted_role_is_taken_from_its_clients():
    document, _ = given(accounts.empty(), ROLE, CLIENT, {"command": "deleteRole", "rolename": "gate-3"})

    assert document["clients"][0]["roles"] == []


def test_roles_are_given_changed_and_taken():
    acls = {"command": "modifyRole", "rolename": "gate-3", "acls": [SEND]}
    take = {"command": "removeClientRole", "username": "3", "rolename": "gate-3"}
    give = {"command": "addClientRole", "username": "3", "rolename": "gate-3"}
    document, _ = given(accounts.empty(), ROLE, CLIENT, acls, take)
    assert not accounts.may(document, "3", "publishClientSend", "up/evt")

    document, _ = given(document, give)

    assert accounts.may(document, "3", "publishClientSend", "up/evt")


def test_reading_shows_no_secrets():
    document, _ = given(accounts.empty(), ROLE, CLIENT)

    _, answers = given(document, {"command": "getClient", "username": "3"}, {"command": "listClients"})

    assert answers[0]["data"] == {"client": {"username": "3", "roles": [{"rolename": "gate-3"}]}}
    assert answers[1]["data"] == {"totalCount": 1, "clients": ["3"]}


def test_a_refused_command_says_why_and_changes_nothing():
    document, _ = given(accounts.empty(), ROLE, CLIENT)

    after, answers = given(
        document,
        {**ROLE, "correlationData": "a"},
        CLIENT,
        {"command": "addClientRole", "username": "3", "rolename": "none"},
        {"command": "createClient"},
        {"command": "dance"},
    )

    assert [one["error"] for one in answers] == [
        "Role already exists",
        "Client already exists",
        "Role not found",
        "Invalid/missing argument",
        "Unknown command",
    ]
    assert answers[0]["correlationData"] == "a"
    assert after == document


def test_junk_is_answered():
    for junk in (b"", b"[]", b"{}", b"\xff", b'{"commands":[7]}'):
        document, answer = control.handle(accounts.empty(), junk)

        assert document == accounts.empty()
        assert b"error" in answer
