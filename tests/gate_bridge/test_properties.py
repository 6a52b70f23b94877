"""Properties say what was put into them, others are stepped over, and junk is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_bridge.properties import Broken, length, read, written
from gate_bridge.wire import NO_PROPERTIES, Properties

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
properties = st.builds(
    Properties,
    expires_s=st.none() | st.integers(0, 2**32 - 1),
    response_topic=texts,
    correlation=st.binary(max_size=300),
    historical=st.booleans(),
)
FOREIGN = [
    b"\x01\x01",
    b"\x03\x00\x10application/json",
    b"\x0b\x80\x01",
    b"\x23\x00\x05",
    b"\x26\x00\x01a\x00\x01b",
]


@given(properties, st.binary(max_size=20))
def test_they_say_what_was_put_into_them(said: Properties, payload: bytes):
    packet = b"\x00" + written(said) + payload

    found, end = read(packet, 1)

    assert (found, packet[end:]) == (said, payload)


def test_none_are_one_byte():
    assert written(NO_PROPERTIES) == b"\0"
    assert read(b"\0", 0) == (NO_PROPERTIES, 1)


@given(st.lists(st.sampled_from(FOREIGN), max_size=5), properties)
def test_those_of_others_are_stepped_over(before: list[bytes], said: Properties):
    ours = written(said)
    body = b"".join(before) + ours[len(length(len(ours))) if len(ours) > 128 else 1 :]

    assert read(length(len(body)) + body, 0)[0] == said


@pytest.mark.parametrize(
    "packet",
    [
        b"\x05\x02\x00\x00",
        b"\x02\x02\x00\x00\x00\x00",
        b"\x04\x09\x00\x09a",
        b"\x03\x03\x00\x09abcdefghi",
        b"\x02\x7f\x00",
        b"\x05\x0b\x80\x80\x80\x80\x01",
        b"\xff\xff\xff\xff\x01",
    ],
)
def test_what_goes_beyond_itself_or_is_unknown_is_refused(packet: bytes):
    with pytest.raises(Broken):
        read(packet, 0)


@given(st.binary(max_size=100))
def test_no_bytes_break_the_reading_otherwise(packet: bytes):
    try:
        _, end = read(packet, 0)
    except (Broken, IndexError):
        return
    assert end <= len(packet)
