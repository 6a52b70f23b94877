"""One-time tokens belong to one row."""

from hypothesis import given
from hypothesis import strategies as st

from domain.identity.rules import one_time
from domain.kernel.keys import Keys

KEYS = Keys("a secret of tests")
SALT = bytes(16)


@given(st.integers(1, 2**63 - 1))
def test_a_token_names_its_row_and_is_made_again(token_id: int):
    token = one_time.issue(KEYS, "password-reset", SALT, token_id)

    assert token == one_time.issue(KEYS, "password-reset", SALT, token_id)
    assert one_time.id_in(token) == token_id
    assert one_time.genuine(KEYS, "password-reset", SALT, token_id, token)


def test_a_token_is_worth_nothing_for_another_row_or_house():
    token = one_time.issue(KEYS, "password-reset", SALT, 9)

    assert not one_time.genuine(KEYS, "password-reset", SALT, 10, token)
    assert not one_time.genuine(KEYS, "password-reset", b"another salt 123", 9, token)
    assert not one_time.genuine(Keys("another secret"), "password-reset", SALT, 9, token)


@given(st.text(max_size=80))
def test_junk_is_never_genuine(junk: str):
    assert not one_time.genuine(KEYS, "password-reset", SALT, one_time.id_in(junk) or 0, junk)
