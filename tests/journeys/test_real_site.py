"""A real site from nothing: an admin, a site, people and gates by HTTP, and a gate of another maker at work."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gate_bridge import wire
from tests.eventually import eventually
from tests.journeys.foreign_gate import PATIENCE_S, ForeignGate, Refused, foreign_gate, now_ms
from tests.journeys.own_site import ADMIN, PASSWORD, Site, own_site


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    async with own_site() as opened:
        yield opened


@pytest.fixture(scope="module")
async def account(site: Site) -> dict[str, Any]:
    """The entrance's device account, as it stood in the one answer that shows the password."""
    return await site.account(site.entrance)


@pytest.fixture(scope="module")
async def gate(site: Site, account: dict[str, Any]) -> AsyncIterator[ForeignGate]:
    async with foreign_gate(site.house.broker_port, account) as connected:
        yield connected


async def log(site: Site, gate_id: int) -> list[dict[str, Any]]:
    """What the guard reads of a gate, newest first."""
    listed = await site.guard.get("/api/access-log", siteId=site.site_id, gateId=gate_id)
    found: list[dict[str, Any]] = listed["items"]
    return found


async def test_an_admin_is_made_while_the_house_runs_too(site: Site):
    other = await site.house.call("create-admin", "--email", "oleg@harbour.example", "--password", PASSWORD)
    again = await site.house.call("create-admin", "--email", ADMIN, "--password", PASSWORD)

    assert (other.code, other.printed) == (0, "oleg@harbour.example may now do everything.\n")
    assert (
        again.code == 1
        and again.complained.startswith("gatehouse: ")
        and "\n" not in again.complained.strip()
    )
    sites = await site.admin.get("/api/sites")
    assert [one["name"] for one in sites["items"]] == ["Harbour"]


async def test_an_account_names_what_a_gate_needs(site: Site, account: dict[str, Any]):
    assert account["username"] == str(site.entrance)
    assert account["topicRoot"] == f"gh/1/{site.site_id}/{site.entrance}"
    assert len(account["password"]) >= 20 and account["passKeys"]
    shown = await site.manager.get(f"/api/gates/{site.entrance}")
    assert account["password"] not in str(shown)


async def test_a_gate_that_is_born_is_online(site: Site, gate: ForeignGate):
    await gate.be_born()

    await eventually(lambda: link_is(site, gate.gate_id, "online"), PATIENCE_S)


async def test_a_guest_passes_a_gate_of_another_maker(site: Site, gate: ForeignGate):
    guest = await site.member.expect_guest("Grace")

    decided = await gate.scan(guest["qrToken"])
    assert (decided["r"], decided["c"], decided["n"]) == ("admit", "ok", "G")
    walked = {"rid": decided["rid"], "id": decided["id"], "p": decided["p"], "d": "in"}
    await gate.report("decision", r="admit", c="ok", **walked)
    await gate.report("passage", **walked)
    await gate.until_acknowledged()

    passage, decision = (await log(site, gate.gate_id))[:2]
    assert (passage["kind"], decision["kind"]) == ("passage", "decision")
    assert {one["person"] for one in (passage, decision)} == {"Grace"}
    visits = await site.member.get("/api/visit-logs", guestPassId=guest["guestPassId"])
    assert [(one["action"], one["gateId"]) for one in visits["items"]] == [("enter", gate.gate_id)]
    zone = await site.guard.get(f"/api/zones/{site.hall}")
    assert zone["inside"] == 1


async def test_our_own_library_seals_events_the_same_way(site: Site, gate: ForeignGate):
    gate.seq += 1
    bare = wire.Event(
        epoch=gate.epoch,
        seq=gate.seq,
        at_ms=now_ms(),
        clock="ok",
        kind="passage",
        source="offline",
        direction="out",
        extra={"note": 'Ünïcode "and" <tags>\n'},
        previous_hash=gate.last_hash,
        hash=gate.last_hash,
    )
    event = wire.seal(bare, gate.last_hash)
    gate.last_hash = event.hash

    await gate.say("up/evt", wire.encode(event))
    await gate.report("alarm_on", x={"alarm": "tamper", "note": 'Ünïcode "and" <tags>\n'})
    await gate.until_acknowledged()

    assert [one["kind"] for one in (await log(site, gate.gate_id))[:2]] == ["alarm_on", "passage"]
    assert (
        await site.house.rows("SELECT reason FROM quarantine WHERE gate_id = :gate", gate=gate.gate_id) == []
    )


async def test_the_log_keeps_the_chain(site: Site, gate: ForeignGate):
    rows = await site.house.rows(
        "SELECT previous_hash, hash, canonical FROM access_log WHERE gate_id = :gate ORDER BY seq",
        gate=gate.gate_id,
    )

    assert len(rows) == gate.seq
    assert bytes(rows[0].previous_hash) == bytes(32) and rows[-1].hash.hex() == gate.last_hash
    for before, row in itertools.pairwise(rows):
        assert row.previous_hash == before.hash
        assert wire.link(before.hash.hex(), row.canonical) == row.hash.hex()


async def test_events_kept_while_away_arrive_in_one_message(site: Site, gate: ForeignGate):
    kept = [gate.event("passage", d="in"), gate.event("no_passage", d="in"), gate.event("passage", d="out")]

    await gate.say("up/batch", {"e": gate.epoch, "ev": kept, "h": 1})
    await gate.until_acknowledged()
    await gate.say("up/batch", {"e": gate.epoch, "ev": kept, "h": 1})
    await gate.report("boot")
    await gate.until_acknowledged()

    found = await log(site, gate.gate_id)
    assert [one["kind"] for one in found[:4]] == ["boot", "passage", "no_passage", "passage"]
    assert [one["historical"] for one in found[:4]] == [False, True, True, True]
    assert len(found) == gate.seq, "nothing is there twice"


async def test_a_wrong_password_is_refused(site: Site, account: dict[str, Any]):
    with pytest.raises(Refused):
        await ForeignGate(site.house.broker_port, {**account, "password": "guessed"}).connect()
    with pytest.raises(Refused):
        await ForeignGate(site.house.broker_port, {**account, "username": str(site.door)}).connect()


async def test_a_gate_cannot_speak_for_another(site: Site, gate: ForeignGate):
    door = await site.account(site.door)
    foreign = gate.event("passage", d="in")
    gate.seq, gate.last_hash = gate.seq - 1, foreign["ph"]
    decisions = len(gate.heard)

    await gate.say("up/evt", foreign, root=door["topicRoot"])
    await gate.say("up/state", {"s": "offline", "e": gate.epoch, "b": 1}, root=door["topicRoot"], retain=True)
    await gate.report("boot")
    await gate.until_acknowledged()

    assert not gate.lost, "it is refused, not thrown out"
    assert await log(site, site.door) == []
    assert await site.house.rows("SELECT 1 FROM quarantine") == []
    assert [topic for topic, _ in gate.heard[decisions:]] == [f"{gate.root}/dn/ack"]
    assert await link_is(site, site.door, "unknown")


async def test_a_gate_cannot_hear_another(site: Site, gate: ForeignGate):
    account = await site.new_gate("Side entrance")
    async with foreign_gate(site.house.broker_port, account) as curious:
        granted = await curious.follow(f"{gate.root}/dn/#")
        guest = await site.member.expect_guest("Grace overheard")
        assert (await gate.scan(guest["qrToken"]))["c"] == "ok"
        answer = await curious.scan(guest["qrToken"])

        assert not granted
        assert [said["rid"] for _, said in curious.heard] == [answer["rid"]], "its own and no other's"


async def test_a_new_password_ends_the_old_one(site: Site):
    old = await site.new_gate("Back entrance")
    async with foreign_gate(site.house.broker_port, old) as gate:
        await gate.report("boot")
        await gate.until_acknowledged()

    new = await site.account(old["gateId"])
    async with foreign_gate(site.house.broker_port, new) as gate:
        await gate.report("boot")
        await gate.until_acknowledged()

    with pytest.raises(Refused):
        await ForeignGate(site.house.broker_port, old).connect()


async def test_a_gate_that_hangs_up_badly_is_offline(site: Site):
    account = await site.new_gate("Garage")
    async with foreign_gate(site.house.broker_port, account) as gate:
        await gate.be_born()
        await eventually(lambda: link_is(site, gate.gate_id, "online"), PATIENCE_S)
        gate.cut()
        await eventually(lambda: link_is(site, gate.gate_id, "offline"), PATIENCE_S)


async def link_is(site: Site, gate_id: int, wanted: str) -> bool:
    gates = await site.guard.get("/api/gates", siteId=site.site_id)
    links = {one["gateId"]: one["link"] for one in gates["items"]}
    return bool(links[gate_id] == wanted)
