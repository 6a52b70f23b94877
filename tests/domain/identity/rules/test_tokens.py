"""Access tokens are ours, of their kind and time, or nobody's."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from domain.identity.rules import tokens
from domain.kernel.errors import TokenExpired, Unauthenticated
from domain.kernel.keys import Keys

KEYS = Keys("a secret of tests")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def issue(keys=KEYS, now=NOW):
    return tokens.issue(keys, user_id=7, session_id=9, now=now, lasts_s=900)


def forged(**changes):
    claims = jwt.decode(issue(), options={"verify_signature": False})
    claims.update(changes)
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, KEYS.signing("access-token"), algorithm="EdDSA")


def test_a_token_says_who_and_until_when():
    claims = tokens.read(KEYS, issue(), NOW + timedelta(seconds=899))

    assert (claims.user_id, claims.session_id) == (7, 9)
    assert (claims.issued_at, claims.expires_at) == (NOW.timestamp(), NOW.timestamp() + 900)


def test_equal_arguments_make_an_equal_token():
    assert issue() == issue()
    assert issue(keys=Keys("a secret of tests")) == issue()


def test_a_token_names_nobodys_rights():
    claims = jwt.decode(issue(), options={"verify_signature": False})

    assert set(claims) == {"sub", "sid", "iat", "exp", "aud", "iss", "typ"}


def test_an_expired_token_is_told_from_a_wrong_one():
    with pytest.raises(TokenExpired):
        tokens.read(KEYS, issue(), NOW + timedelta(seconds=900))


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "refresh"},
        {"typ": None},
        {"aud": "another"},
        {"iss": "another"},
        {"sid": None},
        {"sid": "nine"},
        {"sid": [9]},
        {"sub": "seven"},
        {"sub": None},
        {"exp": None},
        {"exp": "soon"},
        {"iat": NOW.timestamp() + 60},
    ],
)
def test_a_token_of_another_kind_is_refused(changes):
    with pytest.raises(Unauthenticated):
        tokens.read(KEYS, forged(**changes), NOW)


def test_only_our_key_and_our_algorithm_are_believed():
    claims = jwt.decode(issue(), options={"verify_signature": False})
    public = KEYS.signing("access-token").public_key().public_bytes_raw()
    theirs = [
        issue(keys=Keys("another secret")),
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims, public, algorithm="HS256"),
        jwt.encode(claims, KEYS.signing("another purpose"), algorithm="EdDSA"),
        issue()[:-2],
        issue() + "A",
    ]

    for token in theirs:
        with pytest.raises(Unauthenticated):
            tokens.read(KEYS, token, NOW)


@pytest.mark.parametrize("junk", ["", ".", "..", "a.b.c", "é", "\0", "e30.e30.e30", "x" * 10_000])
def test_junk_is_refused(junk):
    with pytest.raises(Unauthenticated):
        tokens.read(KEYS, junk, NOW)
