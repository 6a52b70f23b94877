"""Who may connect to the broker, and what they may say and hear there."""

import pytest

from gatehouse.embedded import accounts
from gatehouse.embedded.accounts import Account

GATE = Account(username="3", password="right", publish=("gh/1/7/3/up/#",), subscribe=("gh/1/7/3/dn/#",))
DOCUMENT = accounts.seeded(accounts.empty(), [GATE])


def test_only_the_right_password_of_a_known_account_lets_in():
    assert accounts.knows(DOCUMENT, "3", "right")
    assert not accounts.knows(DOCUMENT, "3", "wrong")
    assert not accounts.knows(DOCUMENT, "3", None)
    assert not accounts.knows(DOCUMENT, "4", "right")
    assert not accounts.knows(DOCUMENT, None, None)


def test_no_password_is_kept_in_the_clear():
    assert "right" not in str(DOCUMENT)


def test_a_disabled_account_is_not_let_in():
    disabled = {**DOCUMENT, "clients": [{**DOCUMENT["clients"][0], "disabled": True}]}

    assert not accounts.knows(disabled, "3", "right")


def test_rights_are_those_of_the_roles_and_else_nothing():
    assert accounts.may(DOCUMENT, "3", "publishClientSend", "gh/1/7/3/up/evt")
    assert not accounts.may(DOCUMENT, "3", "publishClientSend", "gh/1/7/3/dn/ack")
    assert accounts.may(DOCUMENT, "3", "subscribe", "gh/1/7/3/dn/+")
    assert not accounts.may(DOCUMENT, "3", "subscribe", "gh/1/7/+/dn/ack")
    assert not accounts.may(DOCUMENT, "stranger", "subscribe", "gh/1/7/3/dn/ack")


def test_seeding_again_keeps_other_accounts_and_what_we_do_not_know():
    before = {**DOCUMENT, "anonymousGroup": "x"}

    after = accounts.seeded(before, [Account(username="svc", password="p")])

    assert [one["username"] for one in after["clients"]] == ["3", "svc"]
    assert after["anonymousGroup"] == "x"


@pytest.mark.parametrize(
    ("pattern", "topic", "covered"),
    [
        ("a/b", "a/b", True),
        ("a/+", "a/b", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("a/#", "a/#", True),
        ("a/+", "a/#", False),
        ("a/b", "a/+", False),
        ("a/+", "a/+", True),
        ("a", "a/b", False),
        ("a/b", "a", False),
        ("#", "a/b", True),
        ("#", "$CONTROL/x", False),
        ("+/x", "$CONTROL/x", False),
        ("$CONTROL/#", "$CONTROL/x", True),
    ],
)
def test_a_pattern_covers_what_every_of_its_levels_lets_through(pattern: str, topic: str, covered: bool):
    assert accounts.covers(pattern, topic) is covered
