"""The broker's file gets our own accounts, keeps those of gates, and is left alone when nothing is to do.

Proves: gatehouse/broker_accounts.py, gatehouse/brokers.py
"""

from pathlib import Path

import msgspec
import pytest

from gatehouse.broker_accounts import write_accounts
from gatehouse.brokers import account_password, account_url
from gatehouse.embedded.accounts import Document, find, knows, may

SECRET, OTHER_SECRET = "the secret of a test, long enough", "another secret of a test, as long"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dynamic-security.json"


def read(file: Path) -> Document:
    document: Document = msgspec.json.decode(file.read_bytes())
    return document


def lets_in(file: Path, name: str, secret: str = SECRET) -> bool:
    return knows(read(file), name, account_password(secret, name.removeprefix("svc-")))


def with_gate(file: Path) -> Document:
    document = read(file)
    document["clients"].append({"username": "5", "roles": [{"rolename": "gate-5"}]})
    document["roles"].append({"rolename": "gate-5", "acls": []})
    file.write_bytes(msgspec.json.encode(document))
    return document


def test_a_file_is_made_where_there_is_none(file: Path):
    assert write_accounts(file, SECRET)

    assert all(lets_in(file, name) for name in ("admin", "svc-ingest", "svc-decide", "svc-control"))
    assert may(read(file), "svc-decide", "subscribe", "gh/1/1/5/up/scan")
    assert not may(read(file), "svc-decide", "publishClientSend", "gh/1/1/5/dn/ack")
    assert file.stat().st_mode & 0o077 == 0


def test_a_file_that_holds_them_is_not_touched(file: Path):
    write_accounts(file, SECRET)
    with_gate(file)
    before = file.read_bytes()

    assert not write_accounts(file, SECRET)
    assert file.read_bytes() == before


def test_a_new_secret_gives_our_accounts_new_passwords_and_keeps_the_gates(file: Path):
    write_accounts(file, SECRET)
    before = with_gate(file)

    assert write_accounts(file, OTHER_SECRET)

    assert not lets_in(file, "svc-ingest")
    assert lets_in(file, "svc-ingest", OTHER_SECRET)
    assert find(read(file)["clients"], "username", "5") == before["clients"][-1]
    assert find(read(file)["roles"], "rolename", "gate-5") == before["roles"][-1]


def test_rights_that_somebody_changed_are_set_right(file: Path):
    write_accounts(file, SECRET)
    document = read(file)
    document["roles"][1]["acls"].pop()
    file.write_bytes(msgspec.json.encode(document))

    assert write_accounts(file, SECRET)
    assert may(read(file), "svc-ingest", "publishClientSend", "gh/1/1/5/dn/want")


def test_an_address_without_an_account_gets_that_of_the_service():
    password = account_password(SECRET, "ingest")

    assert (
        account_url("mqtts://broker:8883", "ingest", SECRET) == f"mqtts://svc-ingest:{password}@broker:8883"
    )
    assert account_url("mqtt://me:pw@broker", "ingest", SECRET) == "mqtt://me:pw@broker"
