"""Accounts of the broker and their rights, in the file format of Mosquitto's dynamic security plugin.

The embedded broker starts from a file that is written here; device accounts come and go later through the plugin's
control topic, which the stand-in for Mosquitto answers by the same rules (`control.py`).
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import Any

import msgspec

# Any: the plugin's document, whose members of other versions have to survive our changes.
Document = dict[str, Any]

CONTROL_TOPIC = "$CONTROL/dynamic-security/v1"
RESPONSE_TOPIC = f"{CONTROL_TOPIC}/response"
# Passwords are random and long; the plugin derives them in the broker's only thread.
ITERATIONS = 101


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A service's account: what it may send and follow, and whether it manages the others."""

    username: str
    password: str
    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    manages_accounts: bool = False


def empty() -> Document:
    """Return a document that lets nobody do anything."""
    return {
        "defaultACLAccess": {
            "publishClientSend": False,
            "publishClientReceive": True,
            "subscribe": False,
            "unsubscribe": True,
        },
        "clients": [],
        "groups": [],
        "roles": [],
    }


def seeded(document: Document, accounts: Iterable[Account]) -> Document:
    """Return the document with these accounts as given; all others stay as they are."""
    given = list(accounts)
    names = {account.username for account in given}
    return {
        **document,
        "clients": [one for one in document["clients"] if one["username"] not in names]
        + [_client(account) for account in given],
        "roles": [one for one in document["roles"] if one["rolename"] not in names]
        + [{"rolename": account.username, "acls": _acls(account)} for account in given],
    }


def secret(password: str) -> dict[str, Any]:
    """Return the members of a client that its password is checked by."""
    salt = os.urandom(12)
    return {
        "password": base64.b64encode(_derived(password, salt, ITERATIONS)).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": ITERATIONS,
    }


def knows(document: Document, username: str | None, password: str | None) -> bool:
    """Tell whether somebody may connect."""
    client = find(document["clients"], "username", username)
    if client is None or client.get("disabled") or not client.get("password") or password is None:
        return False
    derived = _derived(password, base64.b64decode(client["salt"]), client["iterations"])
    return hmac.compare_digest(derived, base64.b64decode(client["password"]))


def may(document: Document, username: str | None, kind: str, topic: str) -> bool:
    """Tell whether an account may `publishClientSend`, `publishClientReceive` or `subscribe` there."""
    client = find(document["clients"], "username", username) or {}
    granted = sorted(client.get("roles", []), key=lambda one: -one.get("priority", 0))
    for grant in granted:
        role = find(document["roles"], "rolename", grant["rolename"]) or {}
        for acl in sorted(role.get("acls", []), key=lambda one: -one.get("priority", 0)):
            if acl["acltype"].startswith(kind) and _applies(acl, topic):
                return bool(acl["allow"])
    return bool(document["defaultACLAccess"].get(kind, False))


def find(items: Iterable[dict[str, Any]], key: str, value: object) -> dict[str, Any] | None:
    """Return the item of that name, or None."""
    return next((item for item in items if item[key] == value), None)


def covers(pattern: str, topic: str) -> bool:
    """Tell whether a pattern takes in a topic, or all that a subscription asks for."""
    wanted, asked = pattern.split("/"), topic.split("/")
    if asked[0].startswith("$") and wanted[0] != asked[0]:
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(asked) or asked[index] == "#" or (level != "+" and level != asked[index]):
            return False
    return len(wanted) == len(asked)


def _applies(acl: dict[str, Any], topic: str) -> bool:
    return topic == acl["topic"] if acl["acltype"].endswith("Literal") else covers(acl["topic"], topic)


def _client(account: Account) -> dict[str, Any]:
    return {
        "username": account.username,
        "roles": [{"rolename": account.username}],
        **secret(account.password),
    }


def _acls(account: Account) -> list[dict[str, Any]]:
    control = (f"{CONTROL_TOPIC.rsplit('/', 1)[0]}/#",) if account.manages_accounts else ()
    allowed = [("publishClientSend", topic) for topic in account.publish + control]
    allowed += [("subscribePattern", topic) for topic in account.subscribe + control]
    allowed += [("publishClientReceive", topic) for topic in control]
    return [{"acltype": kind, "topic": topic, "priority": 0, "allow": True} for kind, topic in allowed]


def _derived(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, 64)
