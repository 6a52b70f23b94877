"""What the server states is signed, chained, and read back from an export; what was changed in it is told.

Proves: domain/access/rules/root_chain.py, domain/access/rules/omissions.py, domain/access/rules/exported.py
"""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from domain.access.rules import exported, omissions, root_chain
from domain.access.rules.statements import FIRST, Omission, Root, covered, key_id

OURS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
THEIRS = Ed25519PrivateKey.from_private_bytes(bytes(32))
NAME = key_id(OURS.public_key().public_bytes_raw())
KEYS = {NAME: OURS.public_key()}
DAY = date(2026, 1, 1)


def roots(count: int = 4, site_id: int = 1, key: Ed25519PrivateKey = OURS) -> list[Root]:
    """Roots of a site, one a minute."""
    made: list[Root] = []
    for number in range(1, count + 1):
        root = Root(
            site_id=site_id, number=number, minute=1_772_442_000 + 60 * number, count=number, root=bytes([number]) * 32,
            rows=bytes(32), previous=made[-1].hash if made else FIRST,
            key=key_id(key.public_key().public_bytes_raw()),
        )  # fmt: skip
        made.append(root.signed(key))
    return made


def dropped(**changes: object) -> Omission:
    made = Omission(
        site_id=1, day=DAY, kind="dropped", events=5, unreadable=1, term_days=90,
        at=datetime(2026, 4, 2, 0, 10, tzinfo=UTC), key=NAME,
    )  # fmt: skip
    return replace(made, **changes).signed(OURS)


def problems(chain: list[Root]) -> list[tuple[int, str]]:
    return [(found.minute // 60 % 60, found.problem) for found in root_chain.check(chain, KEYS)]


def test_a_signature_covers_the_purpose_and_the_members_in_one_form():
    (root,) = roots(1)

    assert covered("log root", root.members) == (
        b'gatehouse log root v1\0{"count":1,"key":"%s","minute":1772442060,"number":1,"previous":"%s","root":"%s",'
        b'"rows":"%s","site":1}' % (NAME.encode(), b"00" * 32, b"01" * 32, b"00" * 32)
    )
    assert root.is_signed(OURS.public_key()) and not root.is_signed(THEIRS.public_key())


def test_roots_as_they_were_signed_are_clean_at_any_number_of_sites():
    assert problems([*roots(), *roots(site_id=2), *roots(1, site_id=3)]) == []


MEDDLING: dict[str, Callable[[list[Root]], list[Root]]] = {
    "changed": lambda all_: [all_[0], replace(all_[1], count=9), *all_[2:]],
    "taken": lambda all_: [all_[0], *all_[2:]],
    "first taken": lambda all_: all_[1:],
    "swapped": lambda all_: [all_[0], all_[2], all_[1], all_[3]],
    "last changed": lambda all_: [*all_[:3], replace(all_[3], root=bytes(32))],
    "signed by others": lambda all_: [all_[0], replace(all_[1], signature=THEIRS.sign(b"")), *all_[2:]],
    "rewritten by others": lambda all_: roots(key=THEIRS),
    "continued by others": lambda all_: [*all_[:3], roots(key=THEIRS)[3]],
    "renumbered": lambda all_: [all_[0], *(replace(one, number=one.number - 1) for one in all_[2:])],
}


@pytest.mark.parametrize("how", MEDDLING)
def test_roots_that_were_meddled_with_are_found(how: str):
    assert problems(MEDDLING[how](roots()))


def test_a_rewritten_history_is_found_by_what_was_exported():
    kept = {(root.site_id, root.number): root for root in roots(3)}
    now = {(root.site_id, root.number): root for root in [*roots(1), *roots(2, key=THEIRS)[1:]]}

    found = [(one.minute // 60 % 60, one.problem) for one in root_chain.compare(kept, now)]

    assert found == [
        (2, "has another root than the one that was exported"),
        (3, "has a root no more that was exported"),
    ]


def test_a_day_may_be_dropped_after_its_term_and_not_before():
    assert list(omissions.check([dropped()], KEYS)) == []
    early = dropped(at=datetime(2026, 4, 1, 23, 59, tzinfo=UTC))
    assert list(omissions.check([early], KEYS)) == [((1, DAY), "was dropped before it had its term")]


def test_a_note_that_nobody_signed_is_found():
    changed = replace(dropped(), events=500)
    by_others = replace(dropped(), key="0011223344556677")

    found = list(omissions.check([changed, by_others], KEYS))

    assert found == [((1, DAY), "is noted as dropped, and the signature is not good")] * 2


def test_what_is_missing_beyond_what_was_noted_is_found():
    erased = dropped(kind="erased", term_days=None, events=2, unreadable=0)

    assert list(omissions.uncovered([dropped(), erased], {(1, DAY): 6}, {(1, DAY): 2})) == []
    assert list(omissions.uncovered([dropped(), erased], {(1, DAY): 7}, {(1, DAY): 3})) == [
        ((1, DAY), "has 7 events less, and 6 were dropped"),
        ((1, DAY), "has 3 events without their person, and 2 were erased"),
    ]


def test_a_note_that_was_exported_and_is_gone_is_found():
    assert list(omissions.compare([dropped()], [dropped()])) == []
    assert list(omissions.compare([dropped()], [])) == [
        ((1, DAY), "was exported as dropped, and the note is there no more")
    ]


def test_an_export_is_read_back_as_it_was_written():
    statements: list[Root | Omission] = [*roots(), dropped()]
    public = OURS.public_key().public_bytes_raw()
    lines = [exported.key_line(NAME, public), *map(exported.statement_line, statements)]

    found = exported.read(lines)

    assert list(found.roots.values()) == statements[:-1] and found.omissions == statements[-1:]
    assert all(root.is_signed(found.public_keys[NAME]) for root in found.roots.values())


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b"{}", b'{"type":"other"}', b'{"type":"root","site":1}', b'{"type":"key"}']
)
def test_a_line_that_is_none_of_an_export_is_named(line: bytes):
    with pytest.raises(ValueError, match="line 2 is none of an export"):
        exported.read([exported.statement_line(roots(1)[0]), line])
