"""Tokens in compact form: taken apart strictly, believed only with the secret, the same as the general library does."""

import base64
import contextlib
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.jws import HASHES, Malformed, is_by_secret, take_apart

SECRET = b"a secret of partners, long enough for every hash that there is, of 64 bytes or more"


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", HASHES)
def test_a_token_of_the_general_library_is_believed_with_its_secret_alone(algorithm: str) -> None:
    token = take_apart(jwt.encode({"sub": "ann"}, SECRET, algorithm=algorithm, headers={"kid": "first"}))

    assert (token.header.alg, token.header.kid) == (algorithm, "first")
    assert json.loads(token.payload) == {"sub": "ann"}
    assert token.is_of(SECRET)
    assert not token.is_of(b"another secret")
    assert not token.is_of(b"")


def test_a_changed_payload_header_or_signature_is_not_believed() -> None:
    header, payload, signature = jwt.encode({"sub": "ann"}, SECRET, algorithm="HS256").split(".")
    changed = "A" if signature[0] != "A" else "B"

    assert not take_apart(f"{header}.{part({'sub': 'bob'})}.{signature}").is_of(SECRET)
    assert not take_apart(f"{part({'alg': 'HS512'})}.{payload}.{signature}").is_of(SECRET)
    assert not take_apart(f"{header}.{payload}.{changed}{signature[1:]}").is_of(SECRET)
    assert not take_apart(f"{header}.{payload}.").is_of(SECRET)


@pytest.mark.parametrize("algorithm", ["none", "RS256", "EdDSA", "hs256", ""])
def test_a_secret_is_good_for_no_other_algorithm(algorithm: str) -> None:
    for signature in ("", jwt.encode({"sub": "ann"}, SECRET, algorithm="HS256").split(".")[2]):
        assert not take_apart(f"{part({'alg': algorithm})}.{part({'sub': 'ann'})}.{signature}").is_of(SECRET)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "....",
        f"{part({'alg': 'HS256'})}.{part({})}",
        f"{part({'alg': 'HS256', 'crit': ['exp']})}.{part({})}.",
        f"{part({'alg': 'HS256', 'b64': False})}.{part({})}.",
        f"{part({'alg': 7})}.{part({})}.",
        f"{part({})}.{part({})}.",
        f"{part('HS256')}.{part({})}.",
        f"{part({'alg': 'HS256'})}.e+/=.",
        f"{part({'alg': 'HS256'})}.e30=.",
        f"{part({'alg': 'HS256'})}.e 30.",
        f"{part({'alg': 'HS256'})}.é.",
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Malformed):
        take_apart(token)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_no_text_does_harm(text: str) -> None:
    assert not is_by_secret(text)
    with contextlib.suppress(Malformed):
        assert not take_apart(text).is_of(SECRET)


def test_a_token_tells_whether_it_is_by_a_secret() -> None:
    assert is_by_secret(jwt.encode({}, SECRET, algorithm="HS384"))
    assert not is_by_secret(f"{part({'alg': 'EdDSA'})}.{part({})}.")
    assert not is_by_secret("\ud800.e30.")
