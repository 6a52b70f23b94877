"""Packets are cut where they end, whatever pieces they come in, and say what was put into them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_bridge import packets
from gate_bridge.properties import written
from gate_bridge.wire import NO_PROPERTIES, Properties

topics = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
messages = st.tuples(topics, st.binary(max_size=20_000), st.integers(0, 1), st.integers(1, 65_535))


@given(messages, st.binary(max_size=300), st.booleans())
def test_a_publish_says_what_was_put_into_it(
    message: tuple[str, bytes, int, int], correlation: bytes, five: bool
):
    topic, payload, qos, number = message
    beside = Properties(correlation=correlation) if five else NO_PROPERTIES
    packet = packets.publish(topic, payload, qos, False, number, written(beside) if five else b"")
    whole, rest = packets.cut(packet)

    assert (whole, rest) == ([packet], b"")
    assert packet[0] >> 4 == packets.PUBLISH
    assert packets.published(packet, five=five) == (topic, payload, qos, number if qos else 0, beside)


@given(st.lists(messages, max_size=5), st.lists(st.integers(1, 300), max_size=50))
def test_packets_are_cut_where_they_end_whatever_pieces_they_come_in(
    sent: list[tuple[str, bytes, int, int]], sizes: list[int]
):
    packed = [packets.publish(topic, payload, qos, True, number, b"") for topic, payload, qos, number in sent]
    stream, rest, found = b"".join(packed), b"", list[bytes]()
    for size in [*sizes, len(stream)]:
        piece, stream = stream[:size], stream[size:]
        whole, rest = packets.cut(rest + piece)
        found += whole

    assert (found, rest) == (packed, b"")


def test_acknowledgements_name_their_messages():
    whole, rest = packets.cut(packets.pubacks([1, 256, 65_535]))

    assert rest == b""
    assert [packet[0] >> 4 for packet in whole] == [packets.PUBACK] * 3
    assert [packets.acknowledged(packet) for packet in whole] == [(1, 0), (256, 0), (65_535, 0)]


@pytest.mark.parametrize(
    ("puback", "told"),
    [
        (b"\x40\x02\x01\x02", (258, 0)),
        (b"\x40\x03\x01\x02\x10", (258, 0x10)),
        (b"\x40\x04\x01\x02\x87\x00", (258, 0x87)),
        (b"\x40\x86\x01\x01\x02\x87\x82\x01\x1f\x00\x7f" + b"x" * 127, (258, 0x87)),
    ],
)
def test_an_answer_of_the_broker_has_a_reason_or_none(puback: bytes, told: tuple[int, int]):
    assert packets.acknowledged(puback) == told


@pytest.mark.parametrize("data", [b"\x30\xff\xff\xff\xff\x01", b"\x30\x80\x80\x80\x80\x80"])
def test_a_length_that_no_packet_has_is_refused(data: bytes):
    with pytest.raises(packets.Broken):
        packets.cut(data)


@pytest.mark.parametrize("five", [True, False])
@pytest.mark.parametrize("packet", [b"\x30\x00", b"\x30\x02\x00\x09", b"\x32\x03\x00\x01t"])
def test_a_message_shorter_than_it_says_is_refused(packet: bytes, five: bool):
    with pytest.raises((packets.Broken, IndexError)):
        packets.published(packet, five=five)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_cutting_otherwise(data: bytes):
    try:
        whole, rest = packets.cut(data)
    except packets.Broken:
        return
    assert b"".join(whole) + rest == data
