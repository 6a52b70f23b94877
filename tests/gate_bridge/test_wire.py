"""Gates and the bridge understand each other, and junk is named, never fatal."""

import json
import re
from hashlib import sha256
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gate_bridge import wire
from gate_bridge.wire import Malformed

EPOCH = "00112233445566ff"
EVENT = wire.Event(
    epoch=EPOCH,
    seq=1,
    at_ms=1_800_000_000_000,
    clock="ok",
    kind="decision",
    source="online",
    request_id="0123456789abcdef",
    decision_id="d-1",
    pass_id=7,
    salt="ab" * 16,
    direction="in",
    zone_id=3,
    reason="ok",
    result="admit",
    previous_hash=wire.GENESIS,
    hash=wire.GENESIS,
)
FIRST = wire.seal(EVENT, wire.GENESIS)

counts = st.integers(0, 2**53 - 1)
moments = st.integers(0, 32_503_679_999_999)
ids = st.integers(1, 2**53 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=64)
hexes = {size: st.text("0123456789abcdef", min_size=size, max_size=size) for size in (16, 32, 64)}
directions = st.sampled_from(["in", "out"])
modes = st.sampled_from(["normal", "free", "locked", "lockdown", "evacuate"])
signatures = st.just("A" * 86)
ranges = st.lists(st.tuples(ids, ids), max_size=100).map(tuple)
extras = st.dictionaries(
    st.from_regex(r"[a-z0-9_]{1,32}", fullmatch=True),
    st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans() | texts | st.none(),
    max_size=16,
)
events = st.builds(
    wire.Event,
    epoch=hexes[16],
    seq=ids,
    at_ms=moments,
    clock=st.sampled_from(["ok", "unsure"]),
    kind=st.sampled_from(["passage", "no_passage", "alarm_on", "boot", "journal_lost"]),
    source=st.sampled_from(["online", "offline"]),
    request_id=st.none() | hexes[16],
    decision_id=st.none() | texts,
    pass_id=st.none() | ids,
    salt=hexes[32],
    direction=st.none() | directions,
    zone_id=st.none() | ids,
    reason=st.none() | st.sampled_from(["ok", "full"]),
    result=st.none() | st.sampled_from(["admit", "deny"]),
    extra=extras,
    previous_hash=hexes[64],
    hash=hexes[64],
)
uplinks: dict[wire.Leg, st.SearchStrategy[Any]] = {
    "up/state": st.builds(
        wire.Birth,
        epoch=hexes[16],
        session=counts,
        journal=st.builds(wire.JournalRange, counts, counts),
        clock_ms=counts,
        firmware=texts,
        capabilities=st.lists(texts, max_size=32).map(tuple),
        directions=st.just(("in", "out")),
    )
    | st.builds(wire.Death, epoch=hexes[16], session=counts),
    "up/hb": st.builds(
        wire.Heartbeat,
        epoch=hexes[16],
        session=counts,
        last_seq=counts,
        acknowledged_seq=counts,
        queue_depth=counts,
        rssi=st.none() | st.integers(-100, 0),
        temperature=st.none() | st.floats(-50, 90),
        battery=st.none() | st.integers(0, 100),
        reported=st.none() | st.builds(wire.Reported, mode=modes, revision=counts, list_revision=counts),
    ),
    "up/scan": st.builds(
        wire.Scan,
        epoch=hexes[16],
        request_id=hexes[16],
        method=st.just("qr"),
        token=st.text(max_size=512),
        direction=directions,
        at_ms=counts,
        expires_ms=counts,
    ),
    "up/evt": events,
    "dn/dec": st.builds(
        wire.Decision,
        request_id=hexes[16],
        result=st.sampled_from(["admit", "deny"]),
        reason=st.just("full"),
        decision_id=texts,
        pass_id=st.none() | ids,
    ),
    "dn/ack": st.builds(wire.Acknowledgement, epoch=hexes[16], up_to=counts, at_ms=counts, missing=ranges),
    "up/res": st.builds(
        wire.Outcome,
        epoch=hexes[16],
        command_id=hexes[16],
        done=st.booleans(),
        reason=st.sampled_from(["ok", "expired"]),
        at_ms=counts,
    ),
    "up/cond": st.lists(
        st.builds(
            wire.Condition, kind=st.sampled_from(get_args(wire.AlarmKind)), since_ms=moments, seq=counts
        ),
        unique_by=lambda condition: condition.kind,
    ).map(lambda current: wire.Conditions(tuple(current))),
    "dn/desired": st.builds(
        wire.Desired,
        revision=ids,
        mode=modes,
        until_ms=st.none() | moments,
        why=texts,
        key_id=ids,
        signature=signatures,
    ),
    "dn/cmd": st.builds(
        wire.Command,
        command_id=hexes[16],
        number=ids,
        verb=st.sampled_from(["open", "identify", "reboot"]),
        direction=st.none() | directions,
        at_ms=moments,
        expires_ms=moments,
        why=texts,
        key_id=ids,
        signature=signatures,
    ),
    "dn/want": st.builds(wire.Want, epoch=hexes[16], ranges=ranges, rebirth=st.sampled_from([0, 1])),
}
legs_with_messages = st.sampled_from(list(uplinks)).flatmap(lambda leg: st.tuples(st.just(leg), uplinks[leg]))


@given(st.integers(1, 10**15), st.integers(1, 10**15), legs_with_messages)
def test_what_was_written_is_read_back(site: int, gate: int, sent: tuple[wire.Leg, Any]):
    leg, message = sent

    assert wire.parse(wire.topic(site, gate, leg), wire.encode(message)) == wire.Envelope(site, gate, message)


@given(st.lists(events.map(lambda event: replace(event, epoch=EPOCH)), min_size=1, max_size=400))
def test_any_events_travel_in_batches_within_the_limits(sent: list[wire.Event]):
    received = list[wire.Message]()

    for batch in wire.batches(sent):
        payload = wire.encode(batch)
        assert len(payload) <= wire.MAX_BATCH_BYTES
        read = wire.parse("gh/1/1/1/up/batch", payload).message
        assert isinstance(read, wire.Batch)
        assert replace(read, said=()) == batch
        received += [wire.parse("gh/1/1/1/up/evt", bytes(raw)).message for raw in read.said]

    assert received == sent


def test_no_events_need_no_batch():
    assert list(wire.batches([])) == []


@given(
    st.text(max_size=60) | legs_with_messages.map(lambda sent: f"gh/1/1/1/{sent[0]}"), st.binary(max_size=200)
)
def test_junk_is_malformed_and_nothing_else(topic: str, payload: bytes):
    with pytest.raises(Malformed):
        wire.parse(topic, payload)


@pytest.mark.parametrize(
    "topic",
    [
        "gh/1/1/1/up/nothing",
        "gh/2/1/1/up/evt",
        "gh/1/01/1/up/evt",
        "gh/1/1/-1/up/evt",
        "gh/1/1/٣/up/evt",
        "gh/1/1/1/up/evt/",
        "gh/1/1/1/up",
        "gh/1/1/0/up/evt",
        "",
    ],
)
def test_a_topic_that_is_none_of_ours_is_named(topic: str):
    with pytest.raises(Malformed) as caught:
        wire.parse(topic, wire.encode(FIRST))

    assert (caught.value.field, caught.value.topic) == ("topic", topic)


def form(**changes: Any) -> bytes:
    """The payload of the first event with members changed; ... removes one."""
    members = json.loads(wire.encode(FIRST)) | changes
    return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()


@pytest.mark.parametrize(
    ("payload", "name", "reason"),
    [
        (b"", "payload", "not JSON"),
        (b"\xff\xfe", "payload", "not JSON"),
        (b'{"e": "\xff"}', "payload", "not JSON"),
        (b'{"a":' + b"[" * 5000, "payload", "not JSON"),
        (b"[]", "payload", "Expected `object`"),
        (b"x" * 9000, "payload", "more than 8192"),
        (form(e=...), "e", "missing"),
        (form(e="00112233445566FF"), "e", "regex"),
        (form(e="00112233445566ff\n"), "e", "regex"),
        (form(s=0), "s", ">= 1"),
        (form(s="1"), "s", "Expected `int`"),
        (form(s=True), "s", "Expected `int`"),
        (form(s=2**53), "s", "<="),
        (form(t=-1), "t", ">= 0"),
        (form(t=32_503_680_000_000), "t", "<="),
        (form(t=1.5), "t", "Expected `int`"),
        (form(tq="maybe"), "tq", "Invalid enum value"),
        (form(k="dance"), "k", "Invalid enum value"),
        (form(src=None), "src", "missing"),
        (form(rid="zz"), "rid", "regex"),
        (form(id="x" * 65), "id", "length"),
        (form(p=0), "p", ">= 1"),
        (form(ps=...), "ps", "missing"),
        (form(ps="00"), "ps", "regex"),
        (form(d="up"), "d", "Invalid enum value"),
        (form(z="3"), "z", "Expected `int"),
        (form(c="No!"), "c", "regex"),
        (form(r=...), "r", "missing"),
        (form(r="maybe"), "r", "Invalid enum value"),
        (form(x={"A": 1}), "x", "regex"),
        (form(x={"a": 1.5}), "x[...]", "Expected"),
        (form(x={"a": [1]}), "x[...]", "Expected"),
        (form(x={"a": 2**60}), "x[...]", "<="),
        (form(x={f"a{n}": n for n in range(17)}), "x", "length"),
        (form(ph="00"), "ph", "regex"),
        (form(h=...), "h", "missing"),
    ],
)
def test_a_malformed_event_names_the_member_and_the_fault(payload: bytes, name: str, reason: str):
    with pytest.raises(Malformed, match=re.escape(reason)) as caught:
        wire.parse("gh/1/1/1/up/evt", payload)

    assert caught.value.field == name


def test_a_malformed_event_still_tells_its_number_where_it_can():
    with pytest.raises(Malformed) as told:
        wire.parse("gh/1/1/1/up/evt", form(k="dance", s=5))
    with pytest.raises(Malformed) as untold:
        wire.parse("gh/1/1/1/up/evt", form(s="five"))

    assert told.value.event == (EPOCH, 5)
    assert untold.value.event is None


@pytest.mark.parametrize(
    ("leg", "payload", "name"),
    [
        ("up/res", b'{"e":"00112233445566ff","cid":"x","ok":true,"t":1}', "cid"),
        ("up/res", b'{"e":"00112233445566ff","cid":"0123456789abcdef","t":1}', "ok"),
        ("up/hb", b'{"e":"00112233445566ff","b":1,"hi":1,"ak":1,"q":0,"rep":{"mode":"ajar"}}', "rep.mode"),
        ("dn/desired", b'{"rev":0,"mode":"normal","k":1,"sig":"x"}', "rev"),
        ("dn/desired", b'{"rev":1,"mode":"normal","k":1,"sig":"x"}', "sig"),
        ("dn/cmd", b'{"cid":"0123456789abcdef","n":1,"verb":"dance","t":1,"exp":2,"k":1}', "verb"),
        ("up/state", b'{"s":"asleep","e":"00112233445566ff","b":1}', "s"),
        ("up/state", b'{"e":"00112233445566ff","b":1}', "s"),
        ("up/state", b'{"s":"online","e":"00112233445566ff","b":1,"clk":1,"j":{"lo":1}}', "j.hi"),
        ("up/hb", b'{"e":"00112233445566ff","b":1,"hi":1,"ak":1,"q":1,"batt":101}', "batt"),
        ("up/hb", b'{"e":"00112233445566ff","b":1,"hi":1,"ak":1,"q":1,"rep":{"rev":"x"}}', "rep.rev"),
        ("up/scan", b'{"e":"00112233445566ff","rid":"0123456789","m":"nose"}', "m"),
        ("up/batch", b'{"e":"00112233445566ff","ev":[]}', "ev"),
        ("up/batch", b'{"e":"00112233445566ff","ev":[' + b",".join([b"1"] * 201) + b"]}", "ev"),
        ("up/batch", b"{" + b" " * wire.MAX_BATCH_BYTES + b"}", "payload"),
        ("dn/ack", b'{"e":"00112233445566ff","u":1,"t":1,"gap":[[1,"2"]]}', "gap[0][1]"),
        ("dn/want", b'{"e":"00112233445566ff","full":2}', "full"),
        ("dn/dec", b'{"rid":"0123456789","r":"maybe"}', "r"),
    ],
)
def test_each_kind_of_message_is_checked(leg: wire.Leg, payload: bytes, name: str):
    with pytest.raises(Malformed) as caught:
        wire.parse(wire.topic(1, 1, leg), payload)

    assert caught.value.field == name


def test_one_bad_event_of_a_batch_does_not_cost_the_others():
    bad = form(s=2, k="dance")
    foreign = form(e="ff" * 8, s=3)
    payload = b'{"e":"%s","ev":[%s,%s,%s,7]}' % (EPOCH.encode(), wire.encode(FIRST), bad, foreign)

    batch = wire.parse("gh/1/1/1/up/batch", payload).message

    assert isinstance(batch, wire.Batch)
    assert batch.events == (FIRST,)
    assert [(error.field, error.event) for error in batch.malformed] == [
        ("ev[1].k", (EPOCH, 2)),
        ("ev[2].e", ("ff" * 8, 3)),
        ("ev[3].payload", None),
    ]
    assert [error.said for error in batch.malformed] == [bad, foreign, b"7"]


def test_a_member_of_tomorrow_is_ignored_and_null_is_absent():
    payload = form(zz={"new": [1]}, z=None)

    assert wire.parse("gh/1/1/1/up/evt", payload).message == replace(FIRST, zone_id=None)


def test_the_canonical_form_never_changes():
    assert wire.canonical(FIRST) == (
        b'{"c":"ok","d":"in","e":"00112233445566ff","id":"d-1","k":"decision",'
        b'"pd":"' + sha256(bytes.fromhex("ab" * 16) + b"7").hexdigest().encode() + b'",'
        b'"r":"admit","rid":"0123456789abcdef","s":1,"src":"online","t":1800000000000,"tq":"ok","z":3}'
    )
    assert FIRST.hash == "ab7251e5cfa06f6b1580546213962c120540f1916479d97b07bca13ecb575dd2"


@given(events)
def test_the_canonical_form_is_what_another_language_would_write(event: wire.Event):
    members = json.loads(wire.encode(event))
    if "p" in members:
        salted = bytes.fromhex(members["ps"]) + str(members["p"]).encode()
        members["pd"] = sha256(salted).hexdigest()
    members["x"] = {name: value for name, value in members.get("x", {}).items() if value is not None}
    kept = {
        name: value for name, value in members.items() if name not in ("p", "ps", "ph", "h") and value != {}
    }

    expected = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert wire.canonical(event) == expected.encode()


@given(events, hexes[64])
def test_a_sealed_event_is_still_sealed_after_its_journey(event: wire.Event, previous: str):
    sealed = wire.seal(event, previous)

    received = wire.parse("gh/1/1/1/up/evt", wire.encode(sealed)).message

    assert isinstance(received, wire.Event)
    assert wire.is_sealed(received)
    assert received.previous_hash == previous


@pytest.mark.parametrize(
    "change",
    [
        {"at_ms": 1},
        {"seq": 2},
        {"pass_id": 8},
        {"salt": "ac" * 16},
        {"result": "deny"},
        {"extra": {"a": 1}},
        {"previous_hash": "1" * 64},
        {"zone_id": None},
    ],
)
def test_any_edit_breaks_the_seal(change: dict[str, Any]):
    assert not wire.is_sealed(replace(FIRST, **change))


def test_the_record_without_its_person_still_verifies():
    record = wire.canonical(FIRST)

    assert b"pd" in record
    assert wire.link(FIRST.previous_hash, record) == FIRST.hash


def test_each_leg_has_its_service():
    assert wire.QOS["up/hb"] == wire.QOS["dn/ack"] == 0
    assert wire.QOS["up/evt"] == wire.QOS["dn/dec"] == 1
    assert {"up/state", "up/cond", "dn/desired", "dn/al/head"} == wire.RETAINED
    assert not set(wire.EXPIRES_S) & wire.RETAINED
    assert wire.every("up/evt") == "gh/1/+/+/up/evt"


def test_a_message_names_itself_in_its_fault():
    error = Malformed("gh/1/1/1/up/evt", "s", "is missing", (EPOCH, 1))

    assert str(error) == "gh/1/1/1/up/evt: s: is missing"
    assert msgspec.json.encode(str(error))
