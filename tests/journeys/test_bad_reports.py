"""What no gate should send: it lands in the quarantine with its reason, and the good events around it in the log."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gate_bridge import wire
from tests.eventually import eventually
from tests.journeys.bad_fields import cases, encoded, kept
from tests.journeys.foreign_gate import PATIENCE_S, ForeignGate, chained, foreign_gate
from tests.journeys.own_site import Site, own_site

LARGEST = 2**53 - 1
SHOWN = "7f3a9c51e04b2d68"
"""The journal of the documentation's examples."""
Junk = Callable[[ForeignGate], Any]


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    async with own_site() as opened:
        yield opened


@pytest.fixture(scope="module")
async def gate(site: Site) -> AsyncIterator[ForeignGate]:
    async with foreign_gate(site.house.broker_port, await site.account(site.entrance)) as connected:
        await connected.be_born()
        yield connected


async def quarantined(site: Site) -> list[tuple[str, str]]:
    """The topics and reasons of all that was put aside, oldest first."""
    rows = await site.house.rows("SELECT topic, reason FROM quarantine ORDER BY id")
    return [(row.topic, row.reason) for row in rows]


async def good_events(site: Site, gate: ForeignGate) -> list[int]:
    """The numbers of the gate's events in the log."""
    rows = await site.house.rows(
        "SELECT seq FROM access_log WHERE gate_id = :gate AND epoch = :epoch ORDER BY seq",
        gate=gate.gate_id,
        epoch=bytes.fromhex(gate.epoch),
    )
    return [row.seq for row in rows]


async def put_aside(site: Site, gate: ForeignGate, leg: str, said: Any) -> list[tuple[str, str]]:
    """Send something between two good events, and return what became of it in the quarantine."""
    before = await quarantined(site)
    await gate.report("boot")
    await gate.say(leg, said)
    await gate.report("boot")
    await gate.until_acknowledged()
    await eventually(lambda: longer(site, len(before)), PATIENCE_S)
    events = await good_events(site, gate)
    assert events[-2:] == [gate.seq - 1, gate.seq] and len(events) == len(set(events))
    return (await quarantined(site))[len(before) :]


async def longer(site: Site, length: int) -> bool:
    return len(await quarantined(site)) > length


def tampered(gate: ForeignGate, **members: Any) -> dict[str, Any]:
    """An event of another journal of this gate with other members, sealed so that only they are wrong."""
    event = {
        "tq": "ok",
        "src": "online",
        "e": "00" * 8,
        "s": 1,
        "t": 1,
        "k": "boot",
        "ph": "0" * 64,
        **members,
    }
    return {**event, "h": chained("0" * 64, event)}


def scan(**members: Any) -> dict[str, Any]:
    good = {"e": "00" * 8, "rid": "00" * 8, "m": "qr", "tok": "x", "d": "in", "t": 1, "exp": 1}
    return {**good, **members}


@pytest.mark.parametrize(
    ("leg", "said", "reason"),
    [
        ("up/evt", b"junk", "payload: is not JSON"),
        ("up/evt", b"\x00\xff", "payload: is not JSON"),
        ("up/evt", b"[" * 8_000, "payload: Expected `object`"),
        ("up/evt", b'{"y":' * 1_600, "payload: is not JSON"),
        ("up/evt", b"{}" + b" " * 9_000, "payload: has 9002 bytes, more than 8192"),
        ("up/evt", b"[]", "payload: Expected `object`"),
        ("up/evt", lambda gate: tampered(gate, s="one"), "s: Expected `int`, got `str`"),
        ("up/evt", lambda gate: tampered(gate, s=0), "s: Expected `int` >= 1"),
        ("up/evt", lambda gate: tampered(gate, k="party"), "k: Invalid enum value 'party'"),
        ("up/evt", lambda gate: tampered(gate, t=-1), "t: Expected `int` >= 0"),
        ("up/evt", lambda gate: tampered(gate, t=LARGEST), "t: Expected `int` <="),
        ("up/evt", lambda gate: tampered(gate, x={"deep": {}}), "x"),
        ("up/evt", lambda gate: tampered(gate, e="22" * 8, x={"nul": "\0"}), "event: the log cannot hold it"),
        ("up/evt", lambda gate: {**tampered(gate), "h": "0" * 64}, "h: is not the hash of this event"),
        ("up/evt", lambda gate: {**tampered(gate), "k": "mode"}, "h: is not the hash of this event"),
        ("up/batch", b"junk", "payload: is not JSON"),
        ("up/batch", {"e": "00" * 8, "ev": []}, "ev: Expected `array` of length >= 1"),
        ("up/batch", {"e": "00" * 8, "ev": [{}] * 201}, "ev: Expected `array` of length <= 200"),
        ("up/batch", {"e": "00" * 8, "ev": ["x" * 70_000]}, "payload: has 7"),
        ("up/state", b"junk", "payload: is not JSON"),
        ("up/state", {"s": "asleep"}, "s: Invalid value 'asleep'"),
        ("up/state", {"s": "online", "e": "00" * 8, "b": "1"}, "b: Expected `int`, got `str`"),
        ("up/hb", b"junk", "payload: is not JSON"),
        ("up/hb", {"e": "00" * 8, "b": 1, "hi": 1, "ak": 1, "q": "none"}, "q: Expected `int`, got `str`"),
        ("up/scan", b"junk", "payload: is not JSON"),
        ("up/scan", scan(tok=5), "tok: Expected `str`, got `int`"),
        ("up/scan", scan(d="up"), "d: Invalid enum value 'up'"),
        ("up/scan", scan(tok="x" * 600), "tok: Expected `str` of length <= 512"),
    ],
)
async def test_what_cannot_be_read_is_put_aside_with_the_field(
    site: Site, gate: ForeignGate, leg: str, said: Any, reason: str
):
    rows = await put_aside(site, gate, leg, said(gate) if callable(said) else said)

    ((topic, why),) = rows
    assert why.startswith(reason)
    assert topic.endswith(leg)


async def test_each_member_of_each_report_that_is_wrong_is_named(site: Site, gate: ForeignGate):
    before = len(await quarantined(site))
    wrong = list(cases())
    assert {case.leg for case in wrong} == {leg for leg in wire.QOS if leg.startswith("up/")}

    for number, case in enumerate(wrong):
        await gate.say(case.leg, encoded(case))
        if number % 20 == 0:
            await gate.report("boot")
    await gate.report("boot")
    await gate.until_acknowledged()
    await eventually(lambda: longer(site, before + len(wrong) - 1), PATIENCE_S)

    rows = await site.house.rows("SELECT topic, reason, payload FROM quarantine")
    reasons = {("/".join(row.topic.split("/")[4:]), row.payload): row.reason for row in rows}
    told = {case.name: reasons.get((case.leg, kept(case)), "not put aside") for case in wrong}
    assert {case.name: told[case.name] for case in wrong if not told[case.name].startswith(case.field)} == {}
    assert await good_events(site, gate) == list(range(1, gate.seq + 1))


async def test_the_bad_members_of_a_batch_alone_are_put_aside(site: Site, gate: ForeignGate):
    first, last = gate.event("boot"), gate.event("boot")
    batch = {
        "e": gate.epoch,
        "ev": [first, {**tampered(gate), "s": "x"}, "junk", tampered(gate), last],
        "h": 1,
    }

    rows = await put_aside(site, gate, "up/batch", batch)

    assert [why.partition(":")[0] for _, why in rows] == ["ev[1].s", "ev[2].payload", "ev[3].e"]
    assert {first["s"], last["s"]} <= set(await good_events(site, gate))


async def test_an_event_told_twice_with_another_content_is_put_aside(site: Site, gate: ForeignGate):
    first = await gate.report("boot")
    other = {name: value for name, value in first.items() if name not in ("h",)} | {"k": "mode"}

    rows = await put_aside(site, gate, "up/evt", {**other, "h": chained(first["ph"], other)})

    assert [why for _, why in rows] == [f"hash: event {first['s']} was reported before with another content"]
    kinds = await site.house.rows(
        "SELECT kind FROM access_log WHERE gate_id = :gate AND epoch = :epoch AND seq = :seq",
        gate=gate.gate_id,
        epoch=bytes.fromhex(gate.epoch),
        seq=first["s"],
    )
    assert [row.kind for row in kinds] == ["boot"]


async def test_a_number_of_the_far_future_stops_nothing(site: Site, gate: ForeignGate):
    far = tampered(gate, e="11" * 8, s=LARGEST)
    await gate.say("up/evt", far)
    await gate.report("boot")
    await gate.until_acknowledged()

    rows = await site.house.rows(
        "SELECT seq FROM access_log WHERE epoch = :epoch", epoch=bytes.fromhex("11" * 8)
    )
    assert [row.seq for row in rows] == [LARGEST]


async def test_a_scan_after_junk_scans_is_answered(site: Site, gate: ForeignGate):
    guest = await site.member.expect_guest("Grace after junk")
    for junk in (b"junk", b"", json.dumps(scan(tok=None)).encode()):
        await gate.say("up/scan", junk)

    assert (await gate.scan(guest["qrToken"]))["c"] == "ok"
    assert (await gate.scan("junk"))["c"] == "unknown"
    assert (await gate.scan(guest["qrToken"] + "\0"))["c"] == "unknown"
    assert (await gate.scan("GH1:" + "Ё" * 100))["c"] == "unknown"


async def test_a_topic_that_nobody_knows_has_no_effect(site: Site, gate: ForeignGate):
    before = await quarantined(site)
    await gate.say("up/gossip", b"junk")
    await gate.say("up/evt/more", b"junk")
    await gate.report("boot")
    await gate.until_acknowledged()

    assert not gate.lost
    assert await quarantined(site) == before


async def test_a_message_beyond_the_brokers_limit_ends_only_this_connection(site: Site, gate: ForeignGate):
    account = await site.new_gate("Flooding gate")
    async with foreign_gate(site.house.broker_port, account) as flooding:
        flooding.shout("up/evt", b"x" * 2_000_000)
        await eventually(lambda: flooding.lost, PATIENCE_S)

    await gate.report("boot")
    await gate.until_acknowledged()


async def test_the_log_has_every_good_event_and_nothing_else(site: Site, gate: ForeignGate):
    await gate.report("boot")
    await gate.until_acknowledged()

    assert await good_events(site, gate) == list(range(1, gate.seq + 1))
    others = await site.house.rows(
        "SELECT count(*) FROM access_log WHERE epoch NOT IN (:mine, :far, :shown)",
        mine=bytes.fromhex(gate.epoch),
        far=bytes.fromhex("11" * 8),
        shown=bytes.fromhex(SHOWN),  # of its batches with one bad event, the other one is good
    )
    assert others[0][0] == 0
    ready = await site.http.get("/health/ready")
    assert ready.json()["status"] == "ok"
