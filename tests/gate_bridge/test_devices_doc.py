"""What docs/devices.md tells firmware is what the bridge reads and the rules decide.

Proves: docs/devices.md, gate_bridge/wire/, domain/access/rules/token.py
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.access.rules import live_code, token
from domain.access.rules.credentials import LISTED_BYTES, digest, normalised
from domain.access.rules.listing import EMPTY, Listed, ListFlag, canonical, toggled
from domain.access.rules.orders import ALL_GATES, Purpose, covered, is_signed
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
    gate_id = wire.ALL_GATES if leg in wire.FOR_ALL else GATE
    return wire.parse(wire.topic(SITE, gate_id, leg), text.encode()).message


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
    sent = wire.encode(message)
    assert wire.encode(read(leg, sent.decode())) == sent


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
    rows = re.findall(r"^\| `((?:up|dn)/[\w/]+)` \| ([01]) \| (yes|no) \|", DOCUMENT, re.MULTILINE)
    told = {leg: (int(qos), retained == "yes") for leg, qos, retained in rows}
    assert told == {leg: (qos, leg in wire.RETAINED) for leg, qos in wire.QOS.items()}


def test_the_table_of_mqtt_5_has_for_how_long_each_message_means_something() -> None:
    rows = re.findall(r"^\| `((?:up|dn)/[\w/]+)` \| (\d+) s \|", DOCUMENT, re.MULTILINE)
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


def the_list(leg: str) -> dict[str, Any]:
    (members,) = [msgspec.json.decode(text) for _, text in blocks("json", leg)]
    return members  # type: ignore[no-any-return]  # a JSON object


def test_what_is_told_of_the_list_is_signed_with_the_key_of_the_document() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
    examples: tuple[tuple[Purpose, str], ...] = (
        ("list", "dn/al/head"),
        ("list delta", "dn/al/delta"),
        ("list chunk", "dn/al/chunk"),
    )
    for purpose, leg in examples:
        assert is_signed(purpose, SITE, ALL_GATES, the_list(leg), key)
    (text,) = [text for _, text in blocks("text", "list-delta")]
    delta = covered("list delta", SITE, ALL_GATES, the_list("dn/al/delta"))
    assert text.replace("␀", "\0").encode() == delta


def test_the_lines_of_the_list_come_to_its_digest_before_and_after_the_change() -> None:
    (text,) = [text for _, text in blocks("text", "line")]
    lines = [msgspec.json.decode(line, type=Listed) for line in text.splitlines()]
    assert [canonical(line).decode() for line in lines] == text.splitlines()
    head, chunk, delta = (the_list(f"dn/al/{name}") for name in ("head", "chunk", "delta"))
    assert msgspec.convert(chunk["put"], list[Listed]) == lines
    assert (head["rev"], head["n"], head["h"]) == (chunk["rev"], len(lines), toggled(EMPTY, lines).hex())
    for line in lines:
        assert f"`{sha256(canonical(line)).hexdigest()}`" in DOCUMENT
    changed = msgspec.convert(delta["put"], list[Listed]) + lines[1:]
    assert f"`{toggled(EMPTY, changed).hex()}`" in DOCUMENT and delta["from"] == head["rev"]


def test_the_card_of_the_document_has_the_digest_that_is_on_the_list() -> None:
    (text,) = [text for _, text in blocks("text", "digest")]
    named, told = text.split()
    kind, plain = named.split(":")
    key = bytes.fromhex(the_list("dn/al/head")["ck"])
    assert normalised("nfc", "04:A2:2B:9A") == plain and kind == "nfc"
    assert digest(key, "nfc", plain).hex() == told
    assert told[: 2 * LISTED_BYTES] in the_list("dn/al/chunk")["put"][1]["c"]


def test_the_rotating_code_of_the_document_is_that_of_its_pass_and_day() -> None:
    (text,) = [text for _, text in blocks("text", "live")]
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
    claim, shown = token.read(text, {1: key}), token.live_code_of(text)
    days = {int(day): bytes.fromhex(one) for day, one in the_list("dn/al/head")["lks"].items()}
    assert isinstance(claim, PassClaim) and shown is not None
    assert shown.step == live_code.step_of(1_791_190_928) and live_code.is_genuine(shown, claim.pass_id, days)
    secret = live_code.secret(days[live_code.day_of(shown.step)], claim.pass_id)
    for said in (str(shown.step), secret.hex(), shown.code.hex()):
        assert said in DOCUMENT


def test_every_flag_of_the_list_is_named() -> None:
    (row,) = re.findall(r"^\| `x` \| (flags: .*) \|$", DOCUMENT, re.MULTILINE)
    assert {int(number) for number in re.findall(r"\b(\d+) [a-z]", row)} >= {flag.value for flag in ListFlag}


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
    head, part = wire.MAX_HEAD_BYTES // 1024, wire.MAX_LIST_BYTES // 1024
    assert f"| list | its head {head} KiB; a change, or a part of it, {part} KiB |" in DOCUMENT
