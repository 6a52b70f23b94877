"""The protocol as Protobuf in Binary frames: the schema of `client.proto` into the Structs and out of them.

Structs and messages of the schema have the same names and fields, so that one pair of functions serves all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Wire
from msgspec import Raw

from channels.protocol import client_pb2, messages
from channels.protocol.codec import Malformed
from channels.protocol.framing import prefixed, split
from channels.protocol.messages import Command, Message, Reply

M = TypeVar("M", Command, Reply)


class ProtobufCodec:
    """Read and write Binary frames of Protobuf."""

    name = "protobuf"
    subprotocol = "centrifuge-protobuf"
    binary = True

    def decode(self, frame: bytes) -> Sequence[Command]:
        """Read all commands of one frame."""
        return _read(frame, client_pb2.Command, Command)

    def decode_replies(self, frame: bytes) -> Sequence[Reply]:
        """Read a server's frame; for clients of ours and tests."""
        return _read(frame, client_pb2.Reply, Reply)

    def encode(self, reply: Reply) -> bytes:
        """Write one message after its length."""
        return _written(reply, client_pb2.Reply())

    def encode_command(self, command: Command) -> bytes:
        """Write a client's message; for clients of ours and tests."""
        return _written(command, client_pb2.Command())

    def join(self, messages: Iterable[bytes]) -> bytes:
        """Put several messages into one frame."""
        return b"".join(messages)


def _written(message: Message, wire: Wire) -> bytes:
    _fill(wire, message)
    return prefixed(wire.SerializeToString())


def _fill(wire: Wire, message: Message) -> None:
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if isinstance(value, Message):
            member = getattr(wire, name)
            member.SetInParent()  # a message without content is there all the same
            _fill(member, value)
        elif not value:
            continue
        elif isinstance(value, Raw):
            setattr(wire, name, bytes(value))
        elif isinstance(value, list):
            _fill_list(getattr(wire, name), value)
        elif isinstance(value, dict):
            _fill_map(getattr(wire, name), value)
        else:
            setattr(wire, name, value)


def _fill_list(repeated: Any, items: list[Any]) -> None:  # Any: the library names no types for its containers
    for item in items:
        if isinstance(item, Message):
            _fill(repeated.add(), item)
        else:
            repeated.append(item)


def _fill_map(entries: Any, members: dict[str, Any]) -> None:
    for key, member in members.items():
        if isinstance(member, Message):
            _fill(entries[key], member)
        else:
            entries[key] = member


def _read(frame: bytes, wire: type[Wire], kind: type[M]) -> list[M]:
    try:
        # Converting checks the limits of fields, which the schema cannot tell.
        found = [msgspec.convert(_members(wire.FromString(part)), kind) for part in split(frame)]
    except (DecodeError, msgspec.ValidationError) as error:
        raise Malformed from error
    if not found:
        raise Malformed
    return found


def _members(wire: Wire) -> dict[str, Any]:
    members = {field.name: _plain(value) for field, value in wire.ListFields()}
    for name in _always_there(wire.DESCRIPTOR.name):
        if name not in members:
            members[name] = _plain(getattr(wire, name))
    return members


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return Raw(value)
        case str() | int():
            return value
        case Wire():
            return _members(value)
        case Mapping():
            return {key: _plain(member) for key, member in value.items()}
    return [_plain(item) for item in value]


@cache
def _always_there(name: str) -> tuple[str, ...]:
    """Return the fields that a Struct cannot be without, though Protobuf leaves zeros out."""
    return tuple(field.name for field in msgspec.structs.fields(getattr(messages, name)) if field.required)
