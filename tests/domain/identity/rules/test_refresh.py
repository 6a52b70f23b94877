"""Refresh tokens: which generation does what, and what cannot be forged."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.rules import refresh
from domain.kernel.keys import Keys

KEYS = Keys("a secret of tests")
SALT = bytes(16)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@given(session_id=st.integers(1, 2**63 - 1), counter=st.integers(0, 2**32 - 1))
def test_what_was_issued_is_read_again(session_id: int, counter: int):
    token = refresh.issue(KEYS, SALT, session_id, counter)

    presented = refresh.read(token)

    assert presented is not None
    assert (presented.session_id, presented.counter) == (session_id, counter)
    assert refresh.genuine(KEYS, SALT, presented)


def test_a_token_is_worth_nothing_for_another_session_or_house():
    presented = refresh.read(refresh.issue(KEYS, SALT, 9, 1))

    assert presented is not None
    assert not refresh.genuine(KEYS, b"another salt 123", presented)
    assert not refresh.genuine(Keys("another secret"), SALT, presented)
    assert not refresh.genuine(KEYS, SALT, refresh.Presented(9, 2, presented.token))
    assert not refresh.genuine(KEYS, SALT, refresh.Presented(10, 1, presented.token))


@given(st.text(max_size=100))
def test_junk_is_never_genuine(junk: str):
    presented = refresh.read(junk)

    assert presented is None or not refresh.genuine(KEYS, SALT, presented)


@pytest.mark.parametrize(
    ("presented", "age_s", "verdict"),
    [
        (5, 0, "rotate"),
        (5, 10_000, "rotate"),
        (4, 0, "repeat"),
        (4, 29.9, "repeat"),
        (4, 30, "reuse"),
        (3, 0, "reuse"),
        (0, 0, "reuse"),
        (6, 0, "unknown"),
    ],
)
def test_the_generation_decides(presented: int, age_s: float, verdict: str):
    rotated_at = NOW - timedelta(seconds=age_s)

    assert refresh.judge(presented=presented, current=5, rotated_at=rotated_at, now=NOW) == verdict


def test_a_session_lives_on_by_refreshes_but_not_for_ever():
    week_s = 7 * 86_400

    assert refresh.expiry(created_at=NOW, now=NOW, idle_s=week_s) == NOW + timedelta(days=7)
    late = NOW + timedelta(days=88)
    assert refresh.expiry(created_at=NOW, now=late, idle_s=week_s) == NOW + timedelta(days=90)
