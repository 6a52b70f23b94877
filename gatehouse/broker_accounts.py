"""The file of accounts of a Mosquitto that is not embedded: our own services are put into it, gates stay in it.

The broker's plugin reads the file when it starts and rewrites it whenever an account changes. Ours are written before
the broker starts: the first time, and again after the installation's secret has changed.
"""

from pathlib import Path
from typing import get_args

import msgspec

from gate_bridge.accounts import Service, initial_dynsec
from gatehouse.brokers import account_password
from gatehouse.embedded.accounts import Document, find, knows
from gatehouse.embedded.stored import save
from gatehouse.settings import Settings


def broker_accounts(settings: Settings, file: Path, show: str | None) -> None:
    """Write our own accounts into the broker's file, or print the password of one."""
    secret = settings.jwt_secret_key
    if show is not None:
        print(account_password(secret, show.removeprefix("svc-")))
    elif write_accounts(file, secret):
        print(f"{file} has the accounts of this house now; a broker that runs must be started again.")
    else:
        print(f"{file} has the accounts of this house.")


def write_accounts(file: Path, secret: str) -> bool:
    """Bring our accounts in the file to the passwords of this secret; return whether that changed anything.

    A file that holds them already is not touched, so the broker may be running then.
    """
    passwords = {"admin": account_password(secret, "admin")}
    passwords |= {name: account_password(secret, name.removeprefix("svc-")) for name in get_args(Service)}
    fresh = initial_dynsec(passwords["admin"], {name: passwords[name] for name in get_args(Service)})
    try:
        found: Document = msgspec.json.decode(file.read_bytes())
    except FileNotFoundError:
        save(file, fresh)
        return True
    if all(knows(found, name, password) for name, password in passwords.items()) and _rights_hold(
        found, fresh
    ):
        return False
    save(file, _renewed(found, fresh))
    return True


def _renewed(found: Document, fresh: Document) -> Document:
    ours = {client["username"] for client in fresh["clients"]}
    theirs = [client for client in found["clients"] if client["username"] not in ours]
    other_roles = [role for role in found["roles"] if role["rolename"] not in ours]
    return {**found, "clients": fresh["clients"] + theirs, "roles": fresh["roles"] + other_roles}


def _rights_hold(found: Document, fresh: Document) -> bool:
    return all(
        _rights(find(found["roles"], "rolename", role["rolename"])) == _rights(role)
        for role in fresh["roles"]
    )


def _rights(role: Document | None) -> set[tuple[str, str, bool]]:
    return {(acl["acltype"], acl["topic"], acl["allow"]) for acl in (role or {}).get("acls", [])}
