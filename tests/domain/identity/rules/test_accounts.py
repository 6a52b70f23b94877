"""What an account's names look like."""

import pytest

from domain.identity.rules.accounts import (
    display_name,
    email_to_keep,
    email_to_look_up,
    name_to_keep,
    username_to_keep,
)
from domain.kernel.errors import Invalid


def test_an_address_has_one_spelling():
    assert email_to_keep("  Ivan.Ivanov@Example.COM ") == "ivan.ivanov@example.com"
    assert email_to_keep("иван@пример.рф") == email_to_keep("ИВАН@ПРИМЕР.РФ")


@pytest.mark.parametrize(
    "email", ["", "ivan", "ivan@", "@example.com", "a b@example.com", "a@b\n.com", "a@b"]
)
def test_what_is_no_address_is_looked_up_in_vain(email: str):
    with pytest.raises(Invalid):
        email_to_keep(email)
    assert email_to_look_up(email) == email.strip().lower()


@pytest.mark.parametrize("username", ["user1", "Иван", "a", "x.y-z_1", "x" * 64])
def test_a_username_may_be(username: str):
    assert username_to_keep(username) == username


@pytest.mark.parametrize("username", ["", " a", "a b", "a@b", "-a", ".a", "a\n", "x" * 65])
def test_a_username_may_not_be(username: str):
    with pytest.raises(Invalid):
        username_to_keep(username)


def test_a_name_breaks_no_header():
    assert name_to_keep("firstName", "  Jean Luc ") == "Jean Luc"
    with pytest.raises(Invalid):
        name_to_keep("firstName", "Jean\r\nBcc: all@example.com")


def test_people_without_a_name_are_called_by_their_username():
    assert display_name("Иван", "Иванов", "user1") == "Иван Иванов"
    assert display_name("", "Stone", "user1") == "Stone"
    assert display_name("", "", "user1") == "user1"
