"""What docs/protocol.md tells writers of clients is what the messages and the tables of codes are.

Proves: docs/protocol.md, channels/protocol/messages.py, channels/protocol/message.py, channels/protocol/requests.py,
channels/protocol/replies.py, channels/protocol/codes.py
"""

import json
import re
from typing import Any, get_args

import pytest
from msgspec.structs import fields

from channels.protocol.codecs import CODECS
from channels.protocol.codes import DisconnectCode, ErrorCode, UnsubscribeCode
from channels.protocol.json import JsonCodec
from channels.protocol.messages import Command, Error, Message, Push, Reply
from tests.architecture.sources import ROOT

DOCUMENT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
CODEC = JsonCodec()


def section(title: str) -> str:
    _, _, rest = DOCUMENT.partition(f"# {title}\n")
    assert rest, title
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(title: str) -> list[list[str]]:
    """Return the cells of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def examples(kind: str) -> list[str]:
    blocks = re.findall(rf"^```json {kind}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def named(cell: str, *, always: bool = False) -> set[str]:
    return set(re.findall(r"`(\w+)` \*always\*" if always else r"`(\w+)`", cell))


def members(envelope: type[Message]) -> dict[str, type[Message]]:
    """Return the messages an envelope may hold, by field."""
    return {
        field.name: kind
        for field in fields(envelope)
        for kind in get_args(field.type)
        if isinstance(kind, type) and issubclass(kind, Message)
    }


def named_fields(kind: type[Message]) -> set[str]:
    return {field.name for field in fields(kind)}


def required(kind: type[Message]) -> set[str]:
    return {field.name for field in fields(kind) if field.required}


@pytest.mark.parametrize("line", examples("command"))
def test_the_commands_are_read_to_the_last_field(line: str):
    (command,) = CODEC.decode(line.encode())
    assert json.loads(CODEC.encode_command(command)) == json.loads(line)


@pytest.mark.parametrize("line", examples("reply"))
def test_the_replies_are_written_as_shown(line: str):
    (reply,) = CODEC.decode_replies(line.encode())
    assert json.loads(CODEC.encode(reply)) == json.loads(line)


def test_every_method_has_an_example_and_its_fields():
    methods = members(Command)
    del methods["ping"]
    assert {key for line in examples("command") for key in json.loads(line)} == {*methods, "id"}
    table = {next(iter(named(method))): (asked, answer) for method, asked, answer in rows("Commands")}
    assert table.keys() == methods.keys()
    results = members(Reply)
    for method, (asked, answer) in table.items():
        assert named(asked) - {"id"} == named_fields(methods[method]), method
        if method in results and method != "presence":  # whose answer is told member by member
            assert named(answer) == named_fields(results[method]), method
            assert named(answer, always=True) == required(results[method]), method


def test_every_kind_of_push_has_its_fields():
    kinds = members(Push)
    told = {kind: named(cell) for names, cell, _ in rows("Pushes") for kind in named(names)}
    assert kinds.keys() - told.keys() == {"connect", "refresh", "disconnect"}
    for kind, names in told.items():
        assert names == named_fields(kinds[kind]), kind
    assert named_fields(Error) <= named(section("Commands"))


@pytest.mark.parametrize(
    ("title", "table", "again"),
    [
        ("Errors", ErrorCode, lambda code: code.temporary or code is ErrorCode.TOKEN_EXPIRED),
        ("Close codes", DisconnectCode, lambda code: code.reconnects),
        ("Unsubscribe codes", UnsubscribeCode, lambda code: code.resubscribes),
    ],
)
def test_the_tables_of_codes_are_complete(title: str, table: Any, again: Any):
    expected = [[str(int(c)), c.message, c.meaning, "yes" if again(c) else "no"] for c in table]
    assert rows(title) == expected


def test_every_codec_is_offered():
    assert [[row[1], row[2], row[3]] for row in rows("Connecting")] == [
        [f"`{codec.subprotocol}`", f"`?format={codec.name}`", "Binary" if codec.binary else "Text"]
        for codec in CODECS
    ]
    # The ping that the section on MessagePack shows.
    assert CODECS[2].encode(Reply()) == bytes.fromhex("0180")
