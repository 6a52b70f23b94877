"""A pass says what was signed, in both its texts, and nothing else can be read as one."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from domain.access.rules import token
from domain.access.rules.reasons import Reason
from domain.access.rules.token import PassClaim

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEYS = {1: KEY.public_key(), 2: OTHER.public_key()}
CLAIM = PassClaim(key_id=1, pass_id=7, site_id=1, zones=0b101, not_before=1_800_000_000, minutes=480, flags=1)
RAW = token.sign(CLAIM, KEY)

claims = st.builds(
    PassClaim,
    key_id=st.just(1),
    pass_id=st.integers(0, 2**64 - 1),
    site_id=st.integers(0, 2**32 - 1),
    zones=st.integers(0, 2**32 - 1),
    not_before=st.integers(0, 2**32 - 1),
    minutes=st.integers(0, 2**24 - 1),
    flags=st.integers(0, 255),
)


@given(claims)
def test_a_signed_claim_is_read_back_from_both_texts(claim: PassClaim):
    raw = token.sign(claim, KEY)

    assert token.read(token.as_base64url(raw), KEYS) == claim
    assert token.read(token.as_qr_text(raw), KEYS) == claim


def test_the_bytes_of_a_pass_never_change():
    assert len(RAW) == token.SIZE
    assert RAW[:26].hex() == "0101000000000000000700000001000000056b49d2000001e001"
    assert len(token.as_base64url(RAW)) == 120
    assert len(token.as_qr_text(RAW)) == 139


@given(st.integers(0, token.SIZE - 1), st.integers(1, 255))
def test_any_flipped_byte_is_a_bad_signature(position: int, mask: int):
    raw = bytearray(RAW)
    raw[position] ^= mask

    assert token.verify(bytes(raw), KEYS) is Reason.BAD_SIG
    assert token.read(token.as_base64url(bytes(raw)), KEYS) is Reason.BAD_SIG
    assert token.read(token.as_qr_text(bytes(raw)), KEYS) is Reason.BAD_SIG


def test_a_key_that_gates_no_longer_hold_is_a_bad_signature():
    assert token.verify(RAW, {2: OTHER.public_key()}) is Reason.BAD_SIG


def test_a_signature_over_the_bare_claim_is_no_pass():
    assert token.verify(RAW[:26] + KEY.sign(RAW[:26]), KEYS) is Reason.BAD_SIG


@given(st.one_of(st.text(max_size=200), st.binary(min_size=90, max_size=90).map(token.as_base64url)))
def test_any_text_gets_an_answer(text: str):
    assert token.read(text, KEYS) in (Reason.UNKNOWN, Reason.BAD_SIG)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GH1:",
        "hello",
        token.as_base64url(RAW)[:-1],
        token.as_base64url(RAW) + "A",
        token.as_base64url(RAW)[:-1] + "=",
        token.as_base64url(RAW)[:-1] + "!",
        token.as_base64url(RAW)[:-1] + "é",
        token.as_qr_text(RAW).lower(),
        token.as_qr_text(RAW)[:-1],
        "x" * 1_000_000,
    ],
)
def test_what_is_not_written_like_a_pass_is_unknown(text: str):
    assert token.read(text, KEYS) is Reason.UNKNOWN


def test_white_space_around_a_pasted_pass_does_not_matter():
    assert token.read(f"  {token.as_base64url(RAW)}\n", KEYS) == CLAIM


@pytest.mark.parametrize(
    "member", ["key_id", "pass_id", "site_id", "zones", "not_before", "minutes", "flags"]
)
@pytest.mark.parametrize("value", [-1, 2**64])
def test_a_claim_that_does_not_fit_cannot_be_signed(member: str, value: int):
    members = {name: getattr(CLAIM, name) for name in CLAIM.__struct_fields__} | {member: value}

    with pytest.raises(ValueError, match="a pass cannot carry"):
        token.sign(PassClaim(**members), KEY)


def test_a_pass_ends_its_minutes_after_it_begins():
    assert CLAIM.not_after == CLAIM.not_before + 480 * 60


def test_a_public_key_travels_as_text():
    text = token.public_key_text(KEY.public_key())

    assert token.public_key(text).public_bytes_raw() == KEY.public_key().public_bytes_raw()
    with pytest.raises(ValueError, match="key"):
        token.public_key("AAAA")
