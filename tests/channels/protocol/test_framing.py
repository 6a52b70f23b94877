"""Lengths in front of messages, as any reader of varints understands them."""

from io import BytesIO

import pytest
from google.protobuf.proto import serialize_length_prefixed
from google.protobuf.wrappers_pb2 import BytesValue
from hypothesis import given
from hypothesis import strategies as st

from channels.protocol.codec import Malformed
from channels.protocol.framing import prefixed, split


@given(st.lists(st.binary(max_size=300)))
def test_messages_are_told_apart(messages: list[bytes]):
    assert list(split(b"".join(map(prefixed, messages)))) == messages


@pytest.mark.parametrize("length", [0, 1, 120, 130, 16370, 16390, 2_000_000])
def test_the_length_is_a_varint(length: int):
    message = BytesValue(value=bytes(length))
    written = BytesIO()
    serialize_length_prefixed(message, written)
    assert prefixed(message.SerializeToString()) == written.getvalue()


@pytest.mark.parametrize(
    "frame", [b"\x02a", b"\x80", b"\x01ab", b"\xff\xff\xff\xff\xff\x01", b"\xff\xff\xff\xff\x0fa"]
)
def test_messages_fill_their_frame(frame: bytes):
    with pytest.raises(Malformed):
        list(split(frame))
