"""What gates are ordered is signed for one gate and one purpose, and the site goes before the gate."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from domain.access.rules.orders import NORMAL, Wish, covered, effective, is_signed, sign

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

names = st.text("abcdefgh", min_size=1, max_size=4)
members = st.dictionaries(
    names, st.integers(0, 2**53 - 1) | st.text(st.characters(exclude_categories=["Cs"]))
)


def signed(told: dict[str, Any], purpose: Any = "desired", place: tuple[int, int] = (1, 3)) -> dict[str, Any]:
    return told | {"sig": sign(purpose, *place, told, KEY)}


@given(members)
def test_what_was_signed_is_believed_in_any_order_of_its_members(told: dict[str, Any]):
    said = signed(told)

    assert is_signed("desired", 1, 3, dict(reversed(said.items())), PUBLIC)


@given(members, names)
def test_any_other_member_is_not_believed(told: dict[str, Any], name: str):
    said = signed(told)

    assert not is_signed("desired", 1, 3, said | {name: "something else"}, PUBLIC)


def test_a_signature_holds_for_one_gate_and_one_purpose():
    said = signed({"rev": 1, "mode": "free"})

    assert not is_signed("desired", 1, 4, said, PUBLIC)
    assert not is_signed("desired", 2, 3, said, PUBLIC)
    assert not is_signed("command", 1, 3, said, PUBLIC)
    assert not is_signed("desired", 1, 3, said, Ed25519PrivateKey.generate().public_key())


def test_no_signature_and_junk_for_one_are_not_believed():
    for junk in ({}, {"sig": ""}, {"sig": "äöü"}, {"sig": 7}, {"sig": None}, {"sig": "A" * 86}):
        assert not is_signed("desired", 1, 3, {"rev": 1} | junk, PUBLIC)


def test_what_is_absent_is_not_covered():
    assert covered("desired", 1, 3, {"rev": 1, "until": None, "why": ""}) == covered(
        "desired", 1, 3, {"rev": 1}
    )


def test_a_mode_of_the_site_goes_before_that_of_a_gate():
    lockdown, free = Wish("lockdown"), Wish("free")

    assert effective(lockdown, free) == lockdown
    assert effective(NORMAL, free) == free
    assert effective(Wish("evacuate"), Wish("locked")).mode == "evacuate"


def test_a_wish_is_over_when_its_time_has_come():
    wish = Wish("free", NOON)

    assert wish.at(NOON - timedelta(seconds=1)) == wish
    assert wish.at(NOON) == NORMAL
