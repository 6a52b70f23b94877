"""A token's signature is checked once while the token is good."""

import msgspec
import pytest

from domain.kernel.errors import TokenExpired, Unauthenticated
from server.verified import Verified


class Said(msgspec.Struct, frozen=True):
    text: str
    expires_at: float


class Reader:
    """Counts what it checks; `bad` is no token, and at 100 seconds all expire."""

    def __init__(self) -> None:
        self.now = 0.0
        self.read: list[str] = []

    def __call__(self, token: str) -> Said:
        self.read.append(token)
        if token == "bad":
            raise Unauthenticated("not ours")
        if self.now >= 100:
            raise TokenExpired("over")
        return Said(token, 100.0)

    def verified(self, size: int = 100) -> Verified[Said]:
        return Verified(self, now=lambda: self.now, size=size)


def test_a_token_is_checked_once():
    reader = Reader()
    verified = reader.verified()
    assert [verified("a").text, verified("a").text, verified("b").text] == ["a", "a", "b"]
    assert reader.read == ["a", "b"]


def test_an_expired_token_is_judged_anew():
    reader = Reader()
    verified = reader.verified()
    verified("a")
    reader.now = 99.9
    verified("a")
    reader.now = 100.0
    with pytest.raises(TokenExpired):
        verified("a")
    assert (reader.read, len(verified)) == (["a", "a"], 0)


def test_refusals_are_not_remembered():
    reader = Reader()
    verified = reader.verified()
    for token in ("bad", "bad", "\ud800"):
        if token == "bad":
            with pytest.raises(Unauthenticated):
                verified(token)
        else:
            assert verified(token).text == token
    assert reader.read == ["bad", "bad", "\ud800"]


def test_a_bounded_number_is_remembered():
    reader = Reader()
    verified = reader.verified(size=3)
    for token in "abcd":
        verified(token)
    assert len(verified) == 3
    verified("d")
    verified("a")
    assert reader.read == [*"abcd", "a"]
