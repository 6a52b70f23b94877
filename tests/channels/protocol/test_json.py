"""JSON on the wire: one message a line, payload bytes untouched, the keys that SDKs index always there.

Proves: channels/protocol/json.py, channels/protocol/messages.py, channels/protocol/codec.py, channels/broadcast.py
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from channels.broadcast import Broadcast
from channels.protocol.codec import Unwritable
from channels.protocol.json import JsonCodec
from channels.protocol.messages import (
    ClientInfo,
    DeltaPublication,
    Done,
    Error,
    HistoryResult,
    PresenceResult,
    PresenceStatsResult,
    Push,
    Reply,
    RpcResult,
    Send,
    Subscribe,
    Unsubscribed,
)
from channels.protocol.messages import Publication as PublicationMessage
from channels.stream import Joined, Left, Publication
from tests.channels.protocol.random_messages import JSON

CODEC = JsonCodec()


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (Reply(), "{}"),
        (Reply(id=1, unsubscribe=Done()), '{"id":1,"unsubscribe":{}}'),
        (Reply(id=1, error=Error(code=107, message="")), '{"id":1,"error":{"code":107,"message":""}}'),
        (Reply(id=1, rpc=RpcResult()), '{"id":1,"rpc":{}}'),
        (
            Reply(id=1, history=HistoryResult(publications=[], epoch="", offset=0)),
            '{"id":1,"history":{"publications":[],"epoch":"","offset":0}}',
        ),
        (Reply(id=1, presence=PresenceResult(presence={})), '{"id":1,"presence":{"presence":{}}}'),
        (
            Reply(id=1, presence_stats=PresenceStatsResult(num_clients=0, num_users=0)),
            '{"id":1,"presence_stats":{"num_clients":0,"num_users":0}}',
        ),
        (
            Reply(push=Push(channel="a", unsubscribe=Unsubscribed(code=2500, reason=""))),
            '{"push":{"channel":"a","unsubscribe":{"code":2500,"reason":""}}}',
        ),
    ],
)
def test_what_sdks_index_is_always_written(reply: Reply, line: str) -> None:
    assert CODEC.encode(reply).decode() == line


@given(value=JSON, indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_payload_bytes_come_through_as_they_are(value: object, indent: int | None, ascii_only: bool) -> None:
    payload = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    line = Broadcast("a", Publication(data=payload, offset=3, epoch="e", tags={"k": "v"})).message(CODEC)
    assert line.count(b"\n") == 0
    assert payload.replace(b"\n", b"") in line
    (command,) = CODEC.decode(b'{"id":1,"rpc":{"method":"m","data":' + payload.replace(b"\n", b"") + b"}}")
    assert command.rpc is not None
    assert bytes(command.rpc.data) == payload.replace(b"\n", b"")


def test_joining_and_leaving_name_their_client() -> None:
    info = ClientInfo(user="", client="c", chan_info=Raw(b'{"a":1}'))
    expected = b'{"push":{"channel":"a","%s":{"info":{"user":"","client":"c","chan_info":{"a":1}}}}}'
    assert Broadcast("a", Joined(info)).message(CODEC) == expected % b"join"
    assert Broadcast("a", Left(info)).message(CODEC) == expected % b"leave"


def test_several_commands_come_in_one_frame() -> None:
    frame = b'{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"a"}}\n{"send":{}}\n'
    first, second, third = CODEC.decode(frame)
    assert (first.id, second.id, third.id) == (1, 2, 0)
    assert isinstance(second.request, Subscribe)
    assert isinstance(third.request, Send)


def test_the_first_of_several_requests_counts_and_the_unknown_is_passed_over() -> None:
    (command,) = CODEC.decode(
        b'{"id":1,"later":1,"rpc":{"method":"m"},"subscribe":{"channel":"a","new":true}}'
    )
    assert isinstance(command.request, Subscribe)


@pytest.mark.parametrize(
    "payload",
    [b"\xff", b'"\xff"', b"{", b'1,"delta":true', b"NaN", b"", b" ", b"[" * 100_000 + b"]" * 100_000],
    ids=lambda payload: repr(payload[:8]),
)
def test_what_is_no_json_is_not_written(payload: bytes) -> None:
    for reply in (
        Reply(id=1, rpc=RpcResult(data=Raw(payload))),
        Reply(push=Push(channel="a", pub=PublicationMessage(data=Raw(payload)))),
        Reply(
            id=1,
            presence=PresenceResult(presence={"c": ClientInfo(user="", client="c", chan_info=Raw(payload))}),
        ),
    ):
        with pytest.raises(Unwritable) as refused:
            CODEC.encode(reply)
        assert refused.value.code == 3506


def test_a_publication_of_a_delta_subscription_is_a_text() -> None:
    def push(data: bytes, delta: bool) -> bytes:
        return CODEC.encode(Reply(push=Push(channel="a", pub=DeltaPublication(data=Raw(data), delta=delta))))

    assert (
        push(b'{"a":\n"\xc3\xa9"}', False)
        == b'{"push":{"channel":"a","pub":{"data":"{\\"a\\":\\n\\"\xc3\xa9\\"}"}}}'
    )
    assert push(b"3\n3:abc;", True) == b'{"push":{"channel":"a","pub":{"data":"3\\n3:abc;","delta":true}}}'
    with pytest.raises(Unwritable):
        push(b"3\n3:\xff;", True)
    with pytest.raises(Unwritable):
        push(b"{", False)
