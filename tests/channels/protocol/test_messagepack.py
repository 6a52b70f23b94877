"""MessagePack on the wire is what any MessagePack library reads and writes: names as in JSON, payloads as bin."""

import msgpack
import pytest
from msgspec import Raw

from channels.protocol.codec import Malformed
from channels.protocol.framing import prefixed, split
from channels.protocol.messagepack import MessagePackCodec
from channels.protocol.messages import Publication, Push, Reply, RpcResult

CODEC = MessagePackCodec()


def test_a_push_has_the_names_of_json_and_its_payload_as_bin():
    reply = Reply(push=Push(channel="a", pub=Publication(data=Raw(b"\xff\x00"), offset=3, tags={"k": "v"})))
    (message,) = split(CODEC.encode(reply))
    assert msgpack.unpackb(message) == {
        "push": {"channel": "a", "pub": {"data": b"\xff\x00", "offset": 3, "tags": {"k": "v"}}}
    }


def test_several_messages_follow_each_other_in_a_frame():
    frame = CODEC.join([CODEC.encode(Reply()), CODEC.encode(Reply(id=1, rpc=RpcResult()))])
    assert [msgpack.unpackb(message) for message in split(frame)] == [{}, {"id": 1, "rpc": {}}]


@pytest.mark.parametrize("payload", [b"", b"a", b"\xff" * 300, b"x" * 70_000], ids=len)
def test_commands_of_another_library_are_read(payload: bytes):
    frame = prefixed(msgpack.packb({"id": 1, "rpc": {"method": "m", "data": payload, "later": 1}}))
    (command,) = CODEC.decode(frame)
    assert command.rpc is not None
    assert (command.rpc.method, bytes(command.rpc.data)) == ("m", payload)


@pytest.mark.parametrize("payload", [None, "text", 1, {"a": 1}], ids=repr)
def test_a_payload_that_is_not_bin_is_malformed(payload: object):
    with pytest.raises(Malformed):
        CODEC.decode(prefixed(msgpack.packb({"id": 1, "rpc": {"method": "m", "data": payload}})))
