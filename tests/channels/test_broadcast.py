"""A delivery is written once in each form: for each codec, and as a difference where it is read as one."""

import json
from collections.abc import Sequence

import pytest

from channels import delta
from channels.broadcast import Broadcast
from channels.protocol.codec import Codec, Unwritable
from channels.protocol.codecs import CODECS
from channels.protocol.messages import ClientInfo, Reply
from channels.protocol.messages import Publication as PublicationMessage
from channels.stream import Delivery, Joined, Publication

JSON, PROTOBUF, MSGPACK = CODECS
PREVIOUS = b'{"gate":"north","state":"online","people":[1,2,3,4,5,6,7,8,9]}'
CURRENT = PREVIOUS.replace(b"online", b"offline")

every_codec = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)


def read(codec: Codec, message: bytes) -> PublicationMessage:
    replies: Sequence[Reply] = codec.decode_replies(message)
    push = replies[0].push
    assert push is not None and push.pub is not None
    return push.pub


def broadcast(data: bytes = CURRENT) -> Broadcast:
    return Broadcast("a", Publication(data=data, offset=2, epoch="e"))


@every_codec
def test_it_is_written_once_in_each_form(codec: Codec):
    delivery = broadcast()
    assert delivery.message(codec) is delivery.message(codec)
    assert delivery.delta_message(codec, None) is delivery.delta_message(codec, None)
    assert delivery.delta_message(codec, PREVIOUS) is delivery.delta_message(codec, PREVIOUS)


@pytest.mark.parametrize("codec", CODECS[1:], ids=lambda codec: codec.name)
def test_binary_codecs_carry_the_patch_as_bytes(codec: Codec):
    pub = read(codec, broadcast().delta_message(codec, PREVIOUS))
    assert pub.delta and pub.offset == 2
    assert delta.apply(PREVIOUS, bytes(pub.data)) == CURRENT


def test_json_carries_patch_and_whole_as_texts():
    delivery = broadcast()
    pub = read(JSON, delivery.delta_message(JSON, PREVIOUS))
    assert pub.delta
    assert delta.apply(PREVIOUS, json.loads(bytes(pub.data)).encode()) == CURRENT
    whole = read(JSON, delivery.delta_message(JSON, None))
    assert not whole.delta
    assert json.loads(bytes(whole.data)).encode() == CURRENT
    assert bytes(read(JSON, delivery.message(JSON)).data) == CURRENT


@every_codec
def test_what_no_patch_shortens_is_sent_whole(codec: Codec):
    delivery = broadcast(b"[1]")
    assert delivery.delta_message(codec, PREVIOUS) is delivery.delta_message(codec, None)


def test_differences_are_to_the_payload_that_the_reader_has():
    delivery = broadcast()
    for previous in (PREVIOUS, CURRENT, PREVIOUS):
        pub = read(MSGPACK, delivery.delta_message(MSGPACK, previous))
        assert delta.apply(previous, bytes(pub.data)) == CURRENT


def test_a_json_client_is_not_sent_what_is_no_json_nor_a_difference_to_it():
    delivery = broadcast(PREVIOUS + b"\x00")
    for attempt in (lambda: delivery.message(JSON), lambda: delivery.delta_message(JSON, PREVIOUS)):
        with pytest.raises(Unwritable):
            attempt()
    assert bytes(read(PROTOBUF, delivery.message(PROTOBUF)).data) == PREVIOUS + b"\x00"


@every_codec
def test_events_have_no_differences(codec: Codec):
    event: Delivery = Joined(ClientInfo(user="7", client="c"))
    joined = Broadcast("a", event)
    assert joined.delta_message(codec, b"previous") == joined.message(codec)
