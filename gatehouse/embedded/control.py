"""The commands of Mosquitto's dynamic security plugin that we use, applied to its document.

For the broker that stands in where Mosquitto is missing. The commands and the texts of refusals are the plugin's own,
so that whoever manages accounts needs not know which broker answers.
"""

import copy
from collections.abc import Callable
from typing import Any

import msgspec

from gatehouse.embedded.accounts import Document, find, secret

# Any: requests and answers are JSON of the plugin's shape.
Request = dict[str, Any]


class Refused(Exception):
    """The plugin would answer with this error."""


def handle(document: Document, payload: bytes) -> tuple[Document, bytes]:
    """Return the document after a message of commands, and the answer; a refused command changes nothing."""
    try:
        commands = msgspec.json.decode(payload)["commands"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return document, b'{"responses":[{"command":"Unknown command","error":"Payload not valid JSON"}]}'
    responses = []
    for command in commands:
        document, response = _apply(document, command)
        responses.append(response)
    return document, msgspec.json.encode({"responses": responses})


def _apply(document: Document, command: Request) -> tuple[Document, Request]:
    if not isinstance(command, dict):
        return document, {"command": "Unknown command", "error": "Command not an object"}
    name = command.get("command", "")
    response: Request = {"command": name}
    if "correlationData" in command:
        response["correlationData"] = command["correlationData"]
    changed = copy.deepcopy(document)
    try:
        if name not in COMMANDS:
            raise Refused("Unknown command")
        data = COMMANDS[name](changed, command)
    except Refused as refusal:
        return document, {**response, "error": str(refusal)}
    except (KeyError, TypeError, AttributeError):
        return document, {**response, "error": "Invalid/missing argument"}
    return changed, response if data is None else {**response, "data": data}


def _create_client(document: Document, command: Request) -> None:
    if find(document["clients"], "username", command["username"]):
        raise Refused("Client already exists")
    password = secret(command["password"]) if command.get("password") else {}
    for grant in command.get("roles", []):
        _role(document, grant["rolename"])
    document["clients"].append(
        {"username": command["username"], "roles": command.get("roles", []), **password}
    )


def _delete_client(document: Document, command: Request) -> None:
    document["clients"].remove(_client(document, command["username"]))


def _modify_client(document: Document, command: Request) -> None:
    client = _client(document, command["username"])
    for grant in command.get("roles", []):
        _role(document, grant["rolename"])
    if command.get("password"):
        client.update(secret(command["password"]))
    if "roles" in command:
        client["roles"] = command["roles"]


def _set_password(document: Document, command: Request) -> None:
    _client(document, command["username"]).update(secret(command["password"]))


def _enable(document: Document, command: Request) -> None:
    _client(document, command["username"]).pop("disabled", None)


def _disable(document: Document, command: Request) -> None:
    _client(document, command["username"])["disabled"] = True


def _get_client(document: Document, command: Request) -> Request:
    client = _client(document, command["username"])
    hidden = {"password", "salt", "iterations"}
    return {"client": {key: value for key, value in client.items() if key not in hidden}}


def _list_clients(document: Document, command: Request) -> Request:
    names = sorted(one["username"] for one in document["clients"])
    return {"totalCount": len(names), "clients": names}


def _create_role(document: Document, command: Request) -> None:
    if find(document["roles"], "rolename", command["rolename"]):
        raise Refused("Role already exists")
    document["roles"].append({"rolename": command["rolename"], "acls": command.get("acls", [])})


def _delete_role(document: Document, command: Request) -> None:
    document["roles"].remove(_role(document, command["rolename"]))
    for client in document["clients"]:
        client["roles"] = [grant for grant in client["roles"] if grant["rolename"] != command["rolename"]]


def _modify_role(document: Document, command: Request) -> None:
    role = _role(document, command["rolename"])
    if "acls" in command:
        role["acls"] = command["acls"]


def _add_role_acl(document: Document, command: Request) -> None:
    keys = ("acltype", "topic", "priority", "allow")
    acl = {"priority": 0, **{key: command[key] for key in keys if key in command}}
    acls = _role(document, command["rolename"])["acls"]
    if any(one["acltype"] == acl["acltype"] and one["topic"] == acl["topic"] for one in acls):
        raise Refused("ACL with this topic already exists")
    acls.append(acl)


def _add_client_role(document: Document, command: Request) -> None:
    client, role = _client(document, command["username"]), _role(document, command["rolename"])
    if find(client["roles"], "rolename", role["rolename"]):
        raise Refused("Client is already in this role")
    client["roles"].append({"rolename": role["rolename"], "priority": command.get("priority", -1)})


def _remove_client_role(document: Document, command: Request) -> None:
    client = _client(document, command["username"])
    client["roles"] = [grant for grant in client["roles"] if grant["rolename"] != command["rolename"]]


def _client(document: Document, username: str) -> Request:
    client = find(document["clients"], "username", username)
    if client is None:
        raise Refused("Client not found")
    return client


def _role(document: Document, rolename: str) -> Request:
    role = find(document["roles"], "rolename", rolename)
    if role is None:
        raise Refused("Role not found")
    return role


COMMANDS: dict[str, Callable[[Document, Request], Request | None]] = {
    "createClient": _create_client,
    "deleteClient": _delete_client,
    "modifyClient": _modify_client,
    "setClientPassword": _set_password,
    "enableClient": _enable,
    "disableClient": _disable,
    "getClient": _get_client,
    "listClients": _list_clients,
    "createRole": _create_role,
    "deleteRole": _delete_role,
    "modifyRole": _modify_role,
    "addRoleACL": _add_role_acl,
    "addClientRole": _add_client_role,
    "removeClientRole": _remove_client_role,
}
