"""All codecs carry the same messages, any frame is messages or malformed, and each is found by its name.

Proves: channels/protocol/codecs.py, channels/protocol/codec.py, channels/protocol/payloads.py
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from channels.protocol.codec import Codec, Malformed
from channels.protocol.codecs import CODECS, codec_named
from channels.protocol.messages import Command, DeltaPublication, Push, Reply, RpcResult
from tests.channels.protocol.random_messages import BYTES, commands, replies

every_codec = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
every_binary_codec = pytest.mark.parametrize("codec", CODECS[1:], ids=lambda codec: codec.name)


def test_each_codec_is_found_by_its_name():
    assert [codec_named(codec.name) for codec in CODECS] == list(CODECS)
    assert codec_named("morse") is None


def test_names_and_subprotocols_are_unique_and_json_is_first():
    assert (
        len({codec.name for codec in CODECS}) == len({codec.subprotocol for codec in CODECS}) == len(CODECS)
    )
    assert [codec.binary for codec in CODECS] == [False, True, True]
    assert CODECS[0].name == "json"


@every_codec
@given(sent=st.lists(commands(), min_size=1, max_size=3))
def test_commands_arrive_as_they_were_sent(codec: Codec, sent: list[Command]):
    assert list(codec.decode(codec.join(map(codec.encode_command, sent)))) == sent


@every_codec
@given(sent=st.lists(replies(), min_size=1, max_size=3))
def test_replies_arrive_as_they_were_sent(codec: Codec, sent: list[Reply]):
    assert list(codec.decode_replies(codec.join(map(codec.encode, sent)))) == sent


@every_binary_codec
@given(command=commands(BYTES), reply=replies(BYTES))
def test_binary_codecs_carry_payloads_of_any_bytes(codec: Codec, command: Command, reply: Reply):
    assert list(codec.decode(codec.encode_command(command))) == [command]
    assert list(codec.decode_replies(codec.encode(reply))) == [reply]


@every_binary_codec
def test_a_publication_of_a_delta_subscription_is_bytes_in_binary_codecs(codec: Codec):
    reply = Reply(push=Push(channel="a", pub=DeltaPublication(data=Raw(b"5\n:\xff;"), delta=True)))
    (read,) = codec.decode_replies(codec.encode(reply))
    assert read.push is not None and read.push.pub is not None
    assert (bytes(read.push.pub.data), read.push.pub.delta) == (b"5\n:\xff;", True)


@every_codec
def test_writing_leaves_the_message_as_it_is(codec: Codec):
    reply = Reply(id=1, rpc=RpcResult(data=Raw(b"[1]")))
    codec.encode(reply)
    assert reply == Reply(id=1, rpc=RpcResult(data=Raw(b"[1]")))


@every_codec
def test_a_frame_with_nothing_in_it_is_malformed(codec: Codec):
    with pytest.raises(Malformed):
        codec.decode(b"")


@every_codec
@given(
    frame=st.binary(max_size=60), change=st.binary(min_size=1, max_size=3), sent=commands(), data=st.data()
)
def test_any_frame_is_commands_or_malformed(
    codec: Codec, frame: bytes, change: bytes, sent: Command, data: st.DataObject
):
    whole = codec.encode_command(sent)
    at = data.draw(st.integers(0, len(whole)))
    for attempt in (
        frame,
        whole[:at],
        whole[:at] + change + whole[at:],
        whole[:at] + change + whole[at + 1 :],
    ):
        assert found_or_malformed(codec.decode, attempt)


def found_or_malformed(decode: Callable[[bytes], Any], frame: bytes) -> bool:
    try:
        return bool(decode(frame))
    except Malformed as malformed:
        return malformed.code == 3501
