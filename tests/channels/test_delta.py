"""Patches make of the previous payload the current one, in the hands of the SDKs too, and stay texts between texts."""

import json
import random

import pytest
from centrifuge.fossil import apply_delta
from hypothesis import example, given
from hypothesis import strategies as st

from channels.delta import LARGEST, Broken, apply, create, patch

WORDS = st.lists(
    st.sampled_from(["gate", "zone ", "Łódź", "日本語", '{"key":', "0123456789abcdef", "\n", "é"])
)
TEXTS = WORDS.map("".join) | st.text(max_size=60)


@st.composite
def edits(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Two payloads of which the second is the first with parts moved, changed and put in."""
    previous = draw(st.binary(max_size=200)) * draw(st.integers(0, 3))
    current = previous
    for _ in range(draw(st.integers(0, 4))):
        start, end, to = sorted(draw(st.tuples(*[st.integers(0, len(current))] * 3)))
        part = draw(st.sampled_from([b"", current[start:end], current[end:to]]) | st.binary(max_size=40))
        current = current[:start] + part + current[end:]
    return previous, current


@given(edits())
@example((b"", b""))
@example((b"a" * 40, b""))
def test_a_patch_makes_the_current_payload(pair: tuple[bytes, bytes]):
    previous, current = pair
    made = create(previous, current)
    assert apply(previous, made) == current
    assert bytes(apply_delta(previous, made)) == current


@given(TEXTS, TEXTS, TEXTS, TEXTS)
@example("é", "a" * 16, "", "è")
def test_a_patch_between_texts_is_a_text(start: str, kept: str, put_in: str, end: str):
    previous, current = (start + kept + end).encode(), (put_in + kept + put_in + end).encode()
    made = create(previous, current)
    assert apply(previous, made) == current
    made.decode()


def test_a_small_change_of_a_large_payload_is_a_small_patch():
    place = {"items": [{"key": f"gate-{n}", "version": n, "data": {"state": "online"}} for n in range(200)]}
    previous = json.dumps(place).encode()
    place["items"][150]["data"]["state"] = "offline"  # type: ignore[index]
    current = json.dumps(place).encode()
    made = patch(previous, current)
    assert made is not None and len(made) < 40
    assert apply(previous, made) == current


def test_what_was_moved_and_what_resembles_it_is_copied():
    items = [
        {"key": f"gate-{n}", "version": n * 7, "data": {"state": "online", "name": "North"}}
        for n in range(40)
    ]
    previous = json.dumps(items).encode()
    current = json.dumps([items[39], *items[5:30], {**items[3], "version": 9}, *items[:5]]).encode()
    made = patch(previous, current)
    assert made is not None and len(made) < len(current) / 5
    assert bytes(apply_delta(previous, made)) == current


def test_a_patch_that_is_not_shorter_is_none():
    assert patch(b"", b'{"a":1}') is None
    assert patch(b"abcdefgh" * 4, b"12345678" * 4) is None
    assert patch(b"same", b"same") is None
    assert patch(b"the same again", b"the same again") == b"E\nE@0,1mbJcb;"


def test_what_is_the_same_is_found_behind_much_that_is_not():
    noise = random.Random(1).randbytes
    kept = noise(500)
    previous, current = noise(10_000) + kept + noise(700), noise(20_000) + kept + noise(300)
    made = create(previous, current)
    assert len(made) < len(current) - 400
    assert apply(previous, made) == current


def test_no_patch_is_made_of_what_is_too_large():
    assert patch(bytes(LARGEST), bytes(LARGEST)) is not None
    assert patch(bytes(LARGEST), bytes(LARGEST + 1)) is None
    assert patch(bytes(LARGEST + 1), bytes(LARGEST)) is None


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"3",
        b"3\n",
        b"3\n3:abc",
        b"3\n3:abc;",
        b"2\n3:abc1@;",
        b"3\n9:abc;",
        b"3\n3@1,;",
        b"!\n;",
        b"3\n3?abc;",
    ],
)
def test_a_broken_patch_is_told(broken: bytes):
    with pytest.raises(Broken):
        apply(b"abc", broken)


@given(edits(), st.binary(max_size=100))
def test_a_patch_for_another_payload_is_told_or_right(pair: tuple[bytes, bytes], other: bytes):
    previous, current = pair
    try:
        made = apply(other, create(previous, current))
    except Broken:
        return
    assert len(made) == len(current)
