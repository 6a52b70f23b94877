"""What docs/devices.md tells firmware is what the bridge reads and the rules decide.

Proves: docs/devices.md, gate_bridge/wire/, domain/access/rules/token.py
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.access.rules import token
from domain.access.rules.orders import Purpose, covered, is_signed
from domain.access.rules.reasons import Reason, words
from domain.access.rules.token import PassClaim
from gate_bridge import wire

DOCUMENT = (Path(__file__).parents[2] / "docs" / "devices.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^( *)```(\w+)(?: (\S+))?\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SITE, GATE = 1, 3


def blocks(language: str, about: str | None = None) -> Iterator[tuple[str, str]]:
    """Yields the fenced blocks of a language as (what about, text)."""
    for indent, spoken, what, text in FENCE.findall(DOCUMENT):
        if spoken == language and what and about in (None, what):
            yield what, re.sub(f"^{indent}", "", text, flags=re.MULTILINE).strip("\n")


EXAMPLES = list(blocks("json"))


def read(leg: Any, text: str) -> wire.Message:
    return wire.parse(wire.topic(SITE, GATE, leg), text.encode()).message


def events() -> list[wire.Event]:
    """Returns every event of the document, in its order."""
    found = list[wire.Event]()
    for leg, text in EXAMPLES:
        message = read(leg, text)
        if isinstance(message, wire.Event):
            found.append(message)
        elif isinstance(message, wire.Batch):
            found += message.events
    return found


def members(form: type[msgspec.Struct]) -> set[str]:
    """Returns what a message may consist of on the wire."""
    info = msgspec.inspect.type_info(form)
    assert isinstance(info, msgspec.inspect.StructType)
    return {field.encode_name for field in info.fields} | {info.tag_field or ""}


def written(form: type[msgspec.Struct]) -> set[str]:
    if form is wire.Conditions:
        return members(wire.Condition)
    return {"e", "ev", "h"} if form is wire.Batch else members(form)


def used(text: str) -> set[str]:
    """Returns the members of an example, or of all in its list."""
    said = msgspec.json.decode(text)
    return {name for one in (said if isinstance(said, list) else [said]) for name in one}


@pytest.mark.parametrize(("leg", "text"), EXAMPLES, ids=[leg for leg, _ in EXAMPLES])
def test_every_example_is_read_and_has_no_member_that_means_nothing(leg: str, text: str) -> None:
    message = read(leg, text)
    assert used(text) <= written(type(message))
    assert read(leg, wire.encode(message).decode()) == message


def test_no_event_of_a_batch_is_left_out() -> None:
    for leg, text in blocks("json", "up/batch"):
        message = read(leg, text)
        assert isinstance(message, wire.Batch) and not message.malformed
        for event in msgspec.json.decode(text)["ev"]:
            assert set(event) <= members(wire.Event)


def test_every_kind_of_message_has_an_example() -> None:
    assert {leg for leg, _ in EXAMPLES} == set(wire.QOS)
    kinds = {type(read(leg, text)) for leg, text in EXAMPLES}
    assert {wire.Birth, wire.Death} <= kinds


def test_the_table_of_topics_has_their_quality_of_service_and_retention() -> None:
    rows = re.findall(r"^\| `((?:up|dn)/\w+)` \| ([01]) \| (yes|no) \|", DOCUMENT, re.MULTILINE)
    told = {leg: (int(qos), retained == "yes") for leg, qos, retained in rows}
    assert told == {leg: (qos, leg in wire.RETAINED) for leg, qos in wire.QOS.items()}


def test_the_table_of_mqtt_5_has_for_how_long_each_message_means_something() -> None:
    rows = re.findall(r"^\| `((?:up|dn)/\w+)` \| (\d+) s \|", DOCUMENT, re.MULTILINE)
    assert {leg: int(seconds) for leg, seconds in rows} == wire.EXPIRES_S


def test_every_kind_of_alarm_is_named_where_events_and_where_conditions_are() -> None:
    kinds = " ".join(f"`{kind}`" for kind in get_args(wire.AlarmKind))
    assert DOCUMENT.count(kinds) == 2


def test_the_events_are_a_chain_from_the_first_on() -> None:
    chain = events()
    assert [event.seq for event in chain] == list(range(1, len(chain) + 1))
    previous = wire.GENESIS
    for event in chain:
        assert event.previous_hash == previous and wire.is_sealed(event)
        previous = event.hash


def test_the_canonical_forms_are_those_of_the_first_events() -> None:
    forms = [text for _, text in blocks("text", "canonical")]
    assert forms == [wire.canonical(event).decode() for event in events()[: len(forms)]] and len(forms) == 2
    for event in events()[:2]:
        assert f"`{event.hash}`" in DOCUMENT


def test_the_pass_is_read_from_both_its_texts_with_the_key_of_the_document() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
    assert token.public_key_text(key) in DOCUMENT
    texts = [text for what in ("qr", "base64url") for _, text in blocks("text", what)]
    claims = [token.read(text, {1: key}) for text in texts]
    expected = PassClaim(
        key_id=1, pass_id=1042, site_id=1, zones=0b11, not_before=1_791_187_200, minutes=480, flags=1
    )
    assert claims == [expected, expected]
    scans = [read(leg, text) for leg, text in blocks("json", "up/scan")]
    assert [scan.token for scan in scans if isinstance(scan, wire.Scan)] == [texts[0]]


def test_the_orders_are_signed_with_the_key_of_the_document() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
    examples: tuple[tuple[Purpose, str], ...] = (("desired", "dn/desired"), ("command", "dn/cmd"))
    for purpose, leg in examples:
        told = [msgspec.json.decode(text) for _, text in blocks("json", leg)]
        assert told and all(is_signed(purpose, SITE, GATE, members, key) for members in told)
    (desired,) = [msgspec.json.decode(text) for _, text in blocks("json", "dn/desired")]
    (text,) = [text for _, text in blocks("text", "desired")]
    assert text.replace("␀", "\0").encode() == covered("desired", SITE, GATE, desired)


def test_every_reason_is_told_in_its_words() -> None:
    for reason in Reason:
        said = words(reason)
        assert f"| `{reason}` | {said.text} | {said.action} |" in DOCUMENT


def test_every_kind_of_event_is_named() -> None:
    # a union of literals, or one flat literal: the parts of either are texts in the end
    kinds = [kind for part in get_args(wire.Kind) for kind in get_args(part) or [part]]
    assert len(kinds) > 5
    for kind in kinds:
        assert f"`{kind}`" in DOCUMENT


def test_the_limits_are_those_of_the_wire() -> None:
    assert f"| batch | 1 to {wire.MAX_BATCH_EVENTS} events of one epoch |" in DOCUMENT
    sizes = f"| message | {wire.MAX_MESSAGE_BYTES // 1024} KiB; a batch {wire.MAX_BATCH_BYTES // 1024} KiB |"
    assert sizes in DOCUMENT
