"""A gate of another maker, in JavaScript by MQTT.js and MQTT 5, lives by the documentation alone.

Proves: docs/devices.md, gate_bridge/ingest.py, gate_bridge/decide.py, gate_bridge/orders.py
"""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gatehouse.embedded.broker import dynamic_security_plugin, mosquitto_program
from tests.eventually import eventually
from tests.foreign_gate_javascript.driver import HERE, JavaScriptGate, javascript_gate, node
from tests.journeys.own_site import Site, own_site
from tests.services.folder import short_folder
from tests.services.needs import missing

PATIENCE_S = 30


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    if mosquitto_program() is None or dynamic_security_plugin() is None:
        missing("needs Mosquitto with its dynamic security plugin: apt-get install mosquitto")
    async with own_site() as opened:
        yield opened


@pytest.fixture(scope="module")
async def shown(site: Site) -> dict[str, Any]:
    """What the manager's screen shows for the entrance."""
    made: dict[str, Any] = await site.manager.post(f"/api/gates/{site.entrance}/enrolment")
    return made


@pytest.fixture(scope="module")
async def gate(site: Site, shown: dict[str, Any]) -> AsyncIterator[JavaScriptGate]:
    with short_folder() as folder:
        async with javascript_gate(shown["qrText"], Path(folder) / "journal") as enrolled:
            await enrolled.connect()
            yield enrolled


async def seen(site: Site) -> Any:
    return await site.manager.get(f"/api/gates/{site.entrance}")


async def until_link(site: Site, link: str) -> None:
    async def is_so() -> bool:
        return bool((await seen(site))["link"] == link)

    await eventually(is_so, PATIENCE_S)


async def died(site: Site) -> int:
    """How often the server was told that the gate is gone."""
    (row,) = await site.house.rows("SELECT count(*) FROM facts WHERE name = 'gate.offline'")
    return int(row[0])


def test_it_reads_the_documentation():
    done = subprocess.run([node(), "--test", "chain.test.js"], cwd=HERE, capture_output=True, check=False)

    assert done.returncode == 0, done.stdout.decode()


async def test_it_is_seen_with_what_it_says_of_itself(site: Site, gate: JavaScriptGate):
    await until_link(site, "online")

    async def beats() -> bool:
        return bool((await seen(site))["health"]["battery"] == 97)

    await eventually(beats, PATIENCE_S)
    found = await seen(site)
    assert (found["firmware"], found["health"]["hardware"]) == ("5.0.1", "js-gate")
    assert (found["health"]["power"], found["health"]["rssi"], found["health"]["temperature"]) == (
        "mains",
        -61,
        38.5,
    )


async def test_a_lost_answer_is_had_again_by_the_same_device_alone(
    site: Site, shown: dict[str, Any], gate: JavaScriptGate
):
    again = await gate.ask("enrol")
    other = await site.http.post("/api/devices/enrol", json={"token": shown["token"]})

    assert again["body"] == await gate.ask("account")
    assert other.status_code == 409, other.text


async def test_a_guest_comes_in_and_goes_out(site: Site, gate: JavaScriptGate):
    guest = await site.member.expect_guest("Grace Hopper")

    for direction in ("in", "out"):
        answer = await gate.ask("scan", token=guest["qrToken"], direction=direction)
        assert (answer["r"], answer["c"], answer["n"]) == ("admit", "ok", "GH")
        assert answer["correlated"], "the answer carries what the question gave it"
        about = {"rid": answer["rid"], "id": answer["id"], "p": answer["p"], "d": direction}
        await gate.report("decision", r="admit", c="ok", **about)
        await gate.report("passage", **about)

    await eventually(gate.drained, PATIENCE_S)
    visits = await site.manager.get("/api/visit-logs")
    assert [visit["action"] for visit in visits["items"]] == ["exit", "enter"]


async def test_a_stranger_is_refused_in_words_for_the_display(gate: JavaScriptGate):
    answer = await gate.ask("scan", token="GH1:NO PASS", direction="in")

    assert (answer["r"], answer["c"], answer["msg"]) == ("deny", "unknown", "unknown")


async def test_what_is_lost_on_the_way_is_asked_for_and_comes(site: Site, gate: JavaScriptGate):
    await gate.report("boot", lost=True, x={"why": "power"})

    async def goes_on() -> bool:
        await gate.report("boot", x={"why": "power"})
        return "dn/want" in (await gate.state())["heard"]

    await eventually(goes_on, PATIENCE_S)
    await eventually(gate.drained, PATIENCE_S)
    told = await site.guard.get(f"/api/gates/{site.entrance}/journals")
    (life,) = told["lives"]
    assert (told["missing"], life["gaps"]) == (0, [])
    assert life["watermark"] == life["highest"] == (await gate.state())["seq"]


async def test_what_goes_wrong_at_it_is_an_alarm_until_it_is_well(site: Site, gate: JavaScriptGate):
    async def state() -> list[str]:
        rows = await site.house.rows("SELECT state FROM alarms WHERE kind = 'jam' ORDER BY id")
        return [row.state for row in rows]

    async def raised() -> bool:
        return await state() == ["raised"]

    async def cleared() -> bool:
        return await state() == ["cleared"]

    await gate.ask("alarm", kind="jam", on=True)
    await eventually(raised, PATIENCE_S)
    await gate.ask("alarm", kind="jam", on=False)
    await eventually(cleared, PATIENCE_S)


async def test_it_obeys_a_lockdown_and_says_so(site: Site, gate: JavaScriptGate):
    async def confirmed() -> bool:
        orders = await site.guard.get(f"/api/sites/{site.site_id}/orders")
        (mine,) = [one for one in orders if one["gateId"] == site.entrance]
        return mine["confirmedAt"] is not None

    for mode in ("lockdown", "normal"):
        await site.guard.put(f"/api/sites/{site.site_id}/mode", {"mode": mode, "reason": "учения"})
        await eventually(confirmed, PATIENCE_S)
        assert (await gate.state())["order"]["mode"] == mode


async def test_an_order_that_was_tampered_with_changes_nothing(gate: JavaScriptGate):
    order = (await gate.ask("heard", leg="dn/desired"))[-1]["said"]
    forged = {**order, "rev": order["rev"] + 1, "mode": "free"}

    assert (await gate.ask("obey", order=forged))["mode"] == "normal"


async def test_a_guard_opens_it_once(site: Site, gate: JavaScriptGate):
    asked = {"verb": "open", "direction": "in", "reason": "a parcel"}
    made = await site.guard.post(f"/api/gates/{site.entrance}/commands", asked, status=202)

    async def done() -> bool:
        listed = await site.guard.get(f"/api/gates/{site.entrance}/commands")
        return [one["state"] for one in listed["items"]] == ["done"]

    await eventually(done, PATIENCE_S)
    (command,) = await gate.ask("heard", leg="dn/cmd")
    assert (command["said"]["cid"], command["retained"]) == (made["commandId"], False)


async def test_a_short_cut_is_no_death_and_a_long_one_is(site: Site, gate: JavaScriptGate):
    deaths = await died(site)
    await gate.ask("cut")
    await gate.connect()
    await gate.ask("cut")
    await gate.connect()

    await gate.ask("cut")
    await until_link(site, "offline")
    await gate.connect()
    await until_link(site, "online")

    assert await died(site) == deaths + 1


async def test_what_happened_while_it_was_away_arrives_as_history(site: Site, gate: JavaScriptGate):
    await gate.ask("leave")
    await until_link(site, "offline")
    for _ in range(250):
        await gate.report("decision", src="offline", r="deny", c="offline", d="in")

    await gate.connect()

    await eventually(gate.drained, PATIENCE_S)
    proof = await site.manager.get(f"/api/gates/{site.entrance}/proof")
    assert proof["findings"] == []
    (journal,) = proof["journals"]
    assert journal["upTo"] == journal["events"] == (await gate.state())["seq"]


async def test_what_it_says_wrongly_is_shown_with_the_reason(site: Site, gate: JavaScriptGate):
    await gate.ask("junk", leg="up/hb", said={"e": "no epoch"})

    async def is_shown() -> bool:
        found = await site.guard.get("/api/quarantine", siteId=site.site_id)
        return [item["payload"] for item in found["items"]] == ['{"e":"no epoch"}']

    await eventually(is_shown, PATIENCE_S)


async def test_switched_off_it_is_thrown_out_and_switched_on_its_journal_arrives(
    site: Site, gate: JavaScriptGate
):
    await site.manager.post(f"/api/gates/{site.entrance}/device/disable", {"reason": "stolen"}, status=200)

    async def is_out() -> bool:
        return not (await gate.state())["connected"]

    await eventually(is_out, PATIENCE_S)
    await gate.report("boot", x={"why": "alone"})
    await site.manager.post(f"/api/gates/{site.entrance}/device/enable", {"reason": "found"}, status=200)
    await gate.connect()
    await eventually(gate.drained, PATIENCE_S)
