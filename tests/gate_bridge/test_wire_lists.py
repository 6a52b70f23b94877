"""What gates are told of passes is read back as it was written, on topics of its own.

Proves: gate_bridge/wire/lists.py
"""

from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.rules.listing import Listed
from gate_bridge import wire
from gate_bridge.wire import Malformed

revisions = st.integers(1, 2**53 - 1)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
lines = st.builds(
    wire.Line,
    pass_id=revisions,
    zones=st.integers(0, 2**32 - 1),
    valid_from=st.integers(0, 2**33),
    valid_until=st.integers(0, 2**33),
    flags=st.integers(0, 1023),
    schedule_id=st.none() | revisions,
    passback=st.sampled_from([None, "hard", "soft", "off"]),
    party=st.none() | revisions,
    digests=st.lists(st.just("00ff00ff00ff00ff"), max_size=3).map(tuple),
)
puts, gones = st.lists(lines, max_size=3).map(tuple), st.lists(revisions, max_size=3).map(tuple)
SIGNATURE: dict[str, Any] = {"key_id": 1, "signature": "A" * 86}
HEAD = wire.ListHead(
    revision=5, lines=0, digest="00" * 32, at_ms=1, expires_ms=2, time_zone="Europe/Moscow",
    holidays=("2026-05-09",), hours={"7": wire.OpeningHours(week=(((540, 1080),), *((),) * 6))},
    zones=(wire.ZoneTerms(zone_id=1, ordinal=0, policy="list_ok", passback="timed", passback_minutes=30),),
    public_keys={"1": "A" * 43}, credential_key="11" * 32, live_keys={"20730": "22" * 32}, **SIGNATURE,
)  # fmt: skip


@given(puts, gones, revisions)
def test_changes_and_answers_are_read_back(put: Any, gone: Any, revision: int):
    delta = wire.ListDelta(since=0, revision=revision, put=put, gone=gone, **SIGNATURE)
    chunk = wire.ListChunk(revision=revision, number=1, of=2, put=put, gone=gone, **SIGNATURE)

    assert read(wire.topic(3, wire.ALL_GATES, "dn/al/delta"), delta) == wire.Envelope(
        3, wire.ALL_GATES, delta
    )
    assert read(wire.topic(3, 4, "dn/al/chunk"), chunk) == wire.Envelope(3, 4, chunk)


def test_a_head_and_a_question_are_read_back():
    asked = wire.ListGet(since=5)

    assert read("gh/1/3/_all/dn/al/head", HEAD).message == HEAD
    assert read("gh/1/3/4/up/al/get", asked) == wire.Envelope(3, 4, asked)
    assert wire.parse("gh/1/3/4/up/al/get", b"{}").message == wire.ListGet()
    assert wire.every("up/al/get") == "gh/1/+/+/up/al/get"


@pytest.mark.parametrize(
    "topic",
    ["gh/1/3/4/dn/al/head", "gh/1/3/4/dn/al/delta", "gh/1/3/_all/dn/al/chunk", "gh/1/3/_all/up/al/get",
     "gh/1/3/_all/dn/desired", "gh/1/3/_all/up/evt", "gh/1/3/_alle/dn/al/head", "gh/1/_all/4/dn/al/head"],
)  # fmt: skip
def test_what_is_for_all_gates_is_not_for_one_and_the_other_way_round(topic: str):
    with pytest.raises(Malformed) as caught:
        wire.parse(topic, wire.encode(HEAD))

    assert caught.value.field == "topic"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"h": "00"}, "h"),
        ({"exp": -1}, "exp"),
        ({"hol": ["tomorrow"]}, "hol[0]"),
        ({"hrs": {"x": {"week": [[]] * 7}}}, "hrs"),
        ({"hrs": {"7": {"week": [[]] * 6}}}, "hrs[...].week"),
        ({"zns": [{"id": 1, "o": 32, "f": "deny"}]}, "zns[0].o"),
        ({"zns": [{"id": 1, "o": 0, "f": "maybe"}]}, "zns[0].f"),
        ({"ck": "secret"}, "ck"),
        ({"lks": {"20730": "00"}}, "lks[...]"),
        ({"sig": None}, "sig"),
    ],
)
def test_a_head_that_cannot_be_meant_names_its_member(changes: dict[str, Any], name: str):
    members = msgspec.json.decode(wire.encode(HEAD)) | changes

    with pytest.raises(Malformed) as caught:
        wire.parse("gh/1/3/_all/dn/al/head", msgspec.json.encode(members))

    assert caught.value.field == name


def test_each_message_has_its_bound():
    with pytest.raises(Malformed, match="more than"):
        wire.parse("gh/1/3/_all/dn/al/delta", b" " * (wire.MAX_LIST_BYTES + 1))
    with pytest.raises(Malformed, match="more than"):
        wire.parse("gh/1/3/_all/dn/al/head", b" " * (wire.MAX_HEAD_BYTES + 1))


def test_a_line_of_the_wire_is_a_line_of_the_rules():
    names = {
        form: [field.encode_name for field in msgspec.structs.fields(form)] for form in (wire.Line, Listed)
    }

    assert names[wire.Line] == names[Listed]
    assert set(get_type_hints(wire.Line)) == set(get_type_hints(Listed))


def read(topic: str, message: wire.Message) -> wire.Envelope:
    return wire.parse(topic, wire.encode(message))
