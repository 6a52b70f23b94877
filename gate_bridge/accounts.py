"""Accounts at the broker: the words of Mosquitto's dynamic security plugin, and the file it starts from.

Commands go as one JSON document to `REQUESTS`, answers come by `RESPONSES`, both open to `svc-control`
only. Each gate has an account and a role of its own, since the plugin of Mosquitto 2.0 knows no `%u` in its
patterns: it may publish `gh/1/{site}/{gate}/up/#` and read `gh/1/{site}/{gate}/dn/#` and
`gh/1/{site}/_all/dn/#`, nothing else.
"""

import os
from base64 import b64encode
from collections.abc import Mapping
from hashlib import pbkdf2_hmac
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from gate_bridge import wire
from gate_bridge.ingest import LEGS

REQUESTS = "$CONTROL/dynamic-security/v1"
RESPONSES = "$CONTROL/dynamic-security/v1/response"
ITERATIONS = 101
"""The plugin's own number: passwords here are random and 128 bits strong, a guess at them is hopeless anyhow."""

Service = Literal["svc-ingest", "svc-decide", "svc-control"]
Command = dict[str, Any]  # Any: a JSON object in the plugin's words
Rule = tuple[str, str]

_PUBLISH, _RECEIVE, _SUBSCRIBE = "publishClientSend", "publishClientReceive", "subscribePattern"
_ALREADY_THERE = frozenset({"Client already exists", "Role already exists"})

SERVICE_RULES: dict[Service, tuple[Rule, ...]] = {
    "svc-ingest": (
        # not all of up/: what people show at a gate is nothing that reports are made of
        *((right, wire.every(leg)) for leg in LEGS for right in (_SUBSCRIBE, _RECEIVE)),
        (_PUBLISH, "gh/1/+/+/dn/ack"),
        (_PUBLISH, "gh/1/+/+/dn/want"),
    ),
    "svc-decide": (
        (_SUBSCRIBE, "gh/1/+/+/up/scan"),
        (_RECEIVE, "gh/1/+/+/up/scan"),
        (_PUBLISH, "gh/1/+/+/dn/dec"),
    ),
    "svc-control": (
        (_PUBLISH, REQUESTS),
        (_SUBSCRIBE, RESPONSES),
        (_RECEIVE, RESPONSES),
        (_PUBLISH, "gh/1/+/+/dn/#"),
        (_SUBSCRIBE, "gh/1/+/+/up/al/get"),
        (_RECEIVE, "gh/1/+/+/up/al/get"),
        # To empty the retained state of a gate that is no more.
        (_PUBLISH, "gh/1/+/+/up/state"),
        (_PUBLISH, "gh/1/+/+/up/cond"),
        (_SUBSCRIBE, "$SYS/#"),
        (_RECEIVE, "$SYS/#"),
    ),
}


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one command."""

    command: str
    correlation: str = field(name="correlationData", default="")
    error: str | None = None

    @property
    def was_there(self) -> bool:
        """Whether it should have made something that there is already."""
        return self.error in _ALREADY_THERE

    @property
    def failed(self) -> bool:
        """Whether it was refused for another reason than that."""
        return self.error is not None and not self.was_there


class _Responses(Struct):
    responses: list[Outcome]


class Unreadable(Exception):
    """The plugin answered something else than responses."""


def gate_username(gate_id: int) -> str:
    """Returns the account of a gate, which is its client id too."""
    return str(gate_id)


def gate_rules(site_id: int, gate_id: int) -> tuple[Rule, ...]:
    """Returns all a gate may do."""
    own, everybody = f"gh/1/{site_id}/{gate_id}", f"gh/1/{site_id}/_all"
    return (
        (_PUBLISH, f"{own}/up/#"),
        (_SUBSCRIBE, f"{own}/dn/#"),
        (_RECEIVE, f"{own}/dn/#"),
        (_SUBSCRIBE, f"{everybody}/dn/#"),
        (_RECEIVE, f"{everybody}/dn/#"),
    )


def create_gate(site_id: int, gate_id: int, password: str) -> list[Command]:
    """Returns what makes a gate's account, and leaves one that is there as it is.

    The account is bound to its client id: with another's it could take over that one's connection and session.
    """
    role, account = _gate(site_id, gate_id, password)
    return [{"command": "createRole"} | role, {"command": "createClient"} | account]


def renew_gate(site_id: int, gate_id: int, password: str) -> list[Command]:
    """Returns what gives the account of a gate this password and these rights, enables it, and ends its connection."""
    role, account = _gate(site_id, gate_id, password)
    return [
        {"command": "modifyRole"} | role,
        {"command": "modifyClient"} | account,
        {"command": "enableClient", "username": account["username"]},
        {"command": "setClientPassword", "username": account["username"], "password": password},
    ]


def disable_gate(gate_id: int) -> list[Command]:
    """Returns what locks a gate out and ends its connection at once."""
    return [{"command": "disableClient", "username": gate_username(gate_id)}]


def request(commands: list[Command], correlation: str) -> bytes:
    """Returns the payload for `REQUESTS`; `correlation` comes back in each outcome, other askers read them too."""
    return msgspec.json.encode(
        {"commands": [command | {"correlationData": correlation} for command in commands]}
    )


def outcomes(payload: bytes, correlation: str) -> list[Outcome]:
    """Returns what became of the commands sent with `correlation`, in their order; empty for another's answer.

    Raises:
        Unreadable: it is no answer.
    """
    try:
        answer = msgspec.json.decode(payload, type=_Responses)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"the broker's control plugin answered {payload[:200]!r}: {error}") from error
    return [outcome for outcome in answer.responses if outcome.correlation == correlation]


def initial_dynsec(admin_password: str, services: Mapping[Service, str]) -> dict[str, Any]:
    """Returns the plugin's first file: `admin` for people with `mosquitto_ctrl`, and the services; no gates yet.

    The plugin rewrites the file from then on: it is made once, when there is none.
    """
    admin: tuple[Rule, ...] = tuple(
        (kind, topic)
        for topic in ("$CONTROL/dynamic-security/#", "$SYS/#")
        for kind in (_PUBLISH, _SUBSCRIBE, _RECEIVE)
    )
    accounts = [("admin", admin_password, admin)]
    accounts += [(name, password, SERVICE_RULES[name]) for name, password in services.items()]
    return {
        "clients": [
            {"username": name, "roles": [{"rolename": name}]} | _hashed(password)
            for name, password, _ in accounts
        ],
        "roles": [{"rolename": name, "acls": _acls(rules)} for name, _, rules in accounts],
        "groups": [],
        "defaultACLAccess": {
            _PUBLISH: False,
            _RECEIVE: False,
            "subscribe": False,
            "unsubscribe": True,
        },
    }


def _gate(site_id: int, gate_id: int, password: str) -> tuple[Command, Command]:
    name, role = gate_username(gate_id), f"gate-{gate_id}"
    account = {"username": name, "password": password, "clientid": name, "roles": [{"rolename": role}]}
    return {"rolename": role, "acls": _acls(gate_rules(site_id, gate_id))}, account


def _acls(rules: tuple[Rule, ...]) -> list[Command]:
    return [{"acltype": kind, "topic": topic, "priority": 0, "allow": True} for kind, topic in rules]


def _hashed(password: str) -> Command:
    salt = os.urandom(12)
    hashed = pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS, 64)
    return {
        "password": b64encode(hashed).decode("ascii"),
        "salt": b64encode(salt).decode("ascii"),
        "iterations": ITERATIONS,
    }
