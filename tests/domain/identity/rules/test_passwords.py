"""What a new password must be."""

import pytest

from domain.identity.rules.passwords import password_to_keep
from domain.kernel.errors import Invalid


def keep(password, *, personal=("ivan@example.com", "ivanivan"), production=True):
    return password_to_keep(password, personal=personal, production=production)


@pytest.mark.parametrize(
    "password", ["8 chars!", "x1" * 64, "пароль из слов", "        ", "🙂🙂🙂🙂🙂🙂🙂🙂"]
)
def test_long_enough_is_enough(password: str):
    assert keep(password) == password


@pytest.mark.parametrize(
    "password", ["", "7 chars", "x" * 129, "IvanIvan", "ivan@EXAMPLE.com", "password123", "QWERTYUIOP"]
)
def test_too_short_too_long_or_too_near_is_refused(password: str):
    with pytest.raises(Invalid) as refused:
        keep(password)

    assert [problem.field for problem in refused.value.errors] == ["password"]
    assert password == "" or password not in refused.value.detail


def test_the_list_of_common_ones_holds_in_production_only():
    assert keep("password123", production=False) == "password123"
    assert keep("gatehouse-demo", production=False) == "gatehouse-demo"


def test_one_password_has_one_form():
    assert keep("cafe\u0301 au lait") == keep("caf\u00e9 au lait")
