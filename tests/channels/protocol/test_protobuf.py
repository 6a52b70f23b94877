"""Protobuf on the wire is what an SDK's own schema writes and reads.

Proves: channels/protocol/protobuf.py, channels/protocol/client_pb2.py
"""

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pytest
from centrifuge.protocol import client_pb2 as theirs
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message as Wire
from google.protobuf.proto import parse_length_prefixed, serialize_length_prefixed
from hypothesis import given

from channels.protocol import client_pb2 as ours
from channels.protocol.codec import Malformed
from channels.protocol.framing import prefixed
from channels.protocol.messages import Command, Connected, Push, Refresh, Reply, SubRefresh, Subscribe
from channels.protocol.protobuf import ProtobufCodec
from tests.architecture.sources import ROOT
from tests.channels.protocol.random_messages import BYTES, commands, replies

CODEC = ProtobufCodec()


W = TypeVar("W", bound=Wire)


def framed(message: Wire) -> bytes:
    written = BytesIO()
    serialize_length_prefixed(message, written)
    return written.getvalue()


def unframed(frame: bytes, kind: type[W]) -> W:
    message = parse_length_prefixed(kind, BytesIO(frame))
    assert message is not None
    return message


def test_the_generated_module_is_that_of_the_schema(tmp_path: Path):
    schema = "channels/protocol/client.proto"
    command = ["-I.", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", schema]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *command], cwd=ROOT, check=True)
    for name in ("client_pb2.py", "client_pb2.pyi"):
        fresh = tmp_path / "channels/protocol" / name
        assert fresh.read_text() == (ROOT / "channels/protocol" / name).read_text(), "run `make protocol`"


def differences(mine: Any, known: Any, seen: set[str]) -> list[str]:
    """Return the fields that the SDK knows with another number, type or repetition, or not at all."""
    if mine.full_name in seen:
        return []
    seen.add(mine.full_name)
    found = []
    for field in mine.fields:
        other = known.fields_by_name.get(field.name)
        if other is None:
            found.append(f"{field.full_name} is new")
        elif [field.number, field.type, field.is_repeated] != [other.number, other.type, other.is_repeated]:
            found.append(f"{field.full_name} is another")
        elif field.message_type is not None:
            found += differences(field.message_type, other.message_type, seen)
    return found


def test_every_field_has_the_number_and_type_that_an_sdk_knows():
    seen: set[str] = set()
    found = differences(ours.Command.DESCRIPTOR, theirs.Command.DESCRIPTOR, seen)
    found += differences(ours.Reply.DESCRIPTOR, theirs.Reply.DESCRIPTOR, seen)
    # centrifuge-python's schema is older than the kinds of subscriptions that are refused by this field.
    assert found == [
        f"gatehouse.client.{kind}.type is new" for kind in ("Subscribe", "Publish", "SubRefresh")
    ]
    assert len(seen) > 30


@given(command=commands(BYTES))
def test_an_sdk_reads_and_writes_the_same_commands(command: Command):
    read = unframed(CODEC.encode_command(command), theirs.Command)
    assert list(CODEC.decode(framed(read))) == [command]


@given(reply=replies(BYTES))
def test_an_sdk_reads_and_writes_the_same_replies(reply: Reply):
    read = unframed(CODEC.encode(reply), theirs.Reply)
    assert list(CODEC.decode_replies(framed(read))) == [reply]


def test_what_an_sdk_sends_is_understood():
    command = ParseDict(
        {
            "id": 3,
            "subscribe": {"channel": "a", "recover": True, "offset": 7, "epoch": "e", "delta": "fossil"},
        },
        theirs.Command(),
    )
    (read,) = CODEC.decode(framed(command))
    assert read.subscribe is not None
    assert (read.id, read.subscribe.channel, read.subscribe.offset, read.subscribe.delta) == (
        3,
        "a",
        7,
        "fossil",
    )


def test_fields_for_what_is_not_served_are_passed_over():
    cursor = b"\x8a\x01\x01c"  # number 17, a text
    request = theirs.SubscribeRequest(channel="a", epoch="e").SerializeToString() + cursor
    (read,) = CODEC.decode(prefixed(b"\x08\x01" + b"\x2a" + prefixed(request)))
    assert read == Command(id=1, subscribe=Subscribe(channel="a", epoch="e"))


def test_requests_without_content_are_requests():
    (read,) = CODEC.decode(framed(theirs.Command(id=1, refresh=theirs.RefreshRequest())))
    assert isinstance(read.request, Refresh)
    (read,) = CODEC.decode(framed(theirs.Command(id=1, sub_refresh=theirs.SubRefreshRequest())))
    assert isinstance(read.request, SubRefresh)


def test_an_offset_beyond_what_streams_count_is_malformed():
    for offset in (2**63 - 1, 2**63):
        command = theirs.Command(id=1, subscribe=theirs.SubscribeRequest(channel="a", offset=offset))
        if offset < 2**63:
            assert CODEC.decode(framed(command))
            continue
        with pytest.raises(Malformed):
            CODEC.decode(framed(command))


def test_a_one_way_connection_opens_with_a_push():
    reply = Reply(push=Push(connect=Connected(client="c", version="1", session="s", node="n", time=5)))
    connect = unframed(CODEC.encode(reply), theirs.Reply).push.connect
    assert (connect.client, connect.session, connect.node, connect.time) == ("c", "s", "n", 5)
