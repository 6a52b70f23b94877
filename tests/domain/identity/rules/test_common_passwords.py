"""The list of common passwords holds what could be chosen at all."""

from domain.identity.rules.common_passwords import COMMON
from domain.identity.rules.passwords import LONGEST, SHORTEST, canonical


def test_each_common_password_would_otherwise_be_taken():
    assert len(COMMON) > 500
    assert {"password", "12345678", "qwertyuiop", "пароль123"} <= COMMON
    assert all(SHORTEST <= len(word) <= LONGEST for word in COMMON)
    assert all(word == canonical(word).casefold() for word in COMMON)
