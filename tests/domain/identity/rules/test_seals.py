"""A seal holds for exactly the text it was made as."""

from hypothesis import given
from hypothesis import strategies as st

from domain.identity.rules import seals


@given(st.binary(min_size=1, max_size=32))
def test_a_sealed_body_is_found_and_genuine(body: bytes):
    token = seals.seal(b"key", body)

    assert seals.unsealed(token, len(body)) == body
    assert seals.genuine(b"key", token, body)
    assert not seals.genuine(b"other", token, body)


def test_another_spelling_of_the_same_bytes_is_not_genuine():
    token = seals.seal(b"key", b"12345678")
    again = token[:-1] + chr(ord(token[-1]) + 1)

    assert seals.unsealed(token + "==", 8) == b"12345678" or seals.unsealed(token + "==", 8) is None
    assert not seals.genuine(b"key", token + "==", b"12345678")
    assert not seals.genuine(b"key", again, b"12345678")


def test_a_body_of_another_size_is_none_of_ours():
    assert seals.unsealed(seals.seal(b"key", b"1234"), 8) is None
