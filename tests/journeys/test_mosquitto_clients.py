"""Mosquitto's own command line programs are a gate, in MQTT 3.1.1 and 5: what a shell script can do, any firmware can.

Proves: docs/devices.md
"""

import asyncio
import hashlib
import json
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.eventually import eventually
from tests.journeys.foreign_gate import PATIENCE_S
from tests.journeys.own_site import Site, own_site
from tests.services.needs import missing

GENESIS = "0" * 64
WAIT_S = 10
VERSIONS = ["mqttv311", "mqttv5"]


class CommandLineGate:
    """One account, used by one program at a time: two connections of one name would throw each other out."""

    def __init__(self, port: int, account: dict[str, Any], version: str) -> None:
        self.root, self.gate_id = account["topicRoot"], account["gateId"]
        self.epoch, self.seq, self.previous = secrets.token_hex(8), 0, GENESIS
        name = account["username"]
        self._connection = ["-h", "127.0.0.1", "-p", str(port), "-V", version, "-i", name, "-u", name]
        self._connection += ["-P", account["password"]]

    async def publish(self, leg: str, said: dict[str, Any], *options: str) -> None:
        """Say something by mosquitto_pub."""
        told = ["-t", f"{self.root}/{leg}", "-m", json.dumps(said), "-q", "1", *options]
        await run("mosquitto_pub", *self._connection, *told)

    async def read(self, leg: str) -> dict[str, Any]:
        """Return the one message that is kept on a topic, by mosquitto_sub."""
        asked = ["-t", f"{self.root}/{leg}", "-q", "1", "-C", "1", "-W", str(WAIT_S)]
        return dict(json.loads(await run("mosquitto_sub", *self._connection, *asked)))

    async def ask(self, leg: str, said: dict[str, Any], answer: str) -> dict[str, Any]:
        """Say something and return what comes in answer, by mosquitto_rr."""
        told = ["-t", f"{self.root}/{leg}", "-e", f"{self.root}/{answer}", "-m", json.dumps(said), "-q", "1"]
        return dict(json.loads(await run("mosquitto_rr", *self._connection, *told, "-W", str(WAIT_S))))

    def event(self, kind: str, **members: Any) -> dict[str, Any]:
        """The next event, sealed as the documentation says."""
        self.seq += 1
        form = {
            "e": self.epoch,
            "s": self.seq,
            "t": now_ms(),
            "tq": "ok",
            "k": kind,
            "src": "online",
            **members,
        }
        written = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        hashed = hashlib.sha256(bytes.fromhex(self.previous) + written.encode()).hexdigest()
        event = {**form, "ph": self.previous, "h": hashed}
        self.previous = hashed
        return event


async def run(program: str, *words: str) -> str:
    """Run a program to its end, and return what it printed."""
    child = await asyncio.create_subprocess_exec(
        program, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await child.communicate()
    if child.returncode != 0:
        raise Refused(f"{program} ended with {child.returncode}: {printed.decode()}")
    return printed.decode()


class Refused(Exception):
    """A program did not do what it was asked."""


def now_ms() -> int:
    return int(time.time() * 1000)


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    if not all(map(shutil.which, ("mosquitto_pub", "mosquitto_sub", "mosquitto_rr"))):
        missing("needs Mosquitto's clients: apt-get install mosquitto-clients")
    async with own_site() as opened:
        yield opened


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_shell_script_is_a_gate(site: Site, version: str):
    gate = CommandLineGate(site.house.broker_port, await site.new_gate(f"Shell {version}"), version)
    await be_born(gate)
    await eventually(lambda: is_online(site, gate), PATIENCE_S)

    first = await gate.ask("up/evt", gate.event("boot", x={"why": "power"}), "dn/ack")
    second = await gate.ask("up/evt", gate.event("alarm_on", x={"alarm": "held_open", "s": 20}), "dn/ack")

    assert [(told["e"], told["u"]) for told in (first, second)] == [(gate.epoch, 1), (gate.epoch, 2)]
    proof = await site.manager.get(f"/api/gates/{gate.gate_id}/proof")
    assert (proof["findings"], proof["journals"][0]["events"]) == ([], 2)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_shell_script_asks_whether_to_open(site: Site, version: str):
    gate = CommandLineGate(site.house.broker_port, await site.new_gate(f"Asking {version}"), version)
    await be_born(gate)
    guest = await site.member.expect_guest(f"Grace of {version}")
    scan = {"e": gate.epoch, "rid": secrets.token_hex(8), "m": "qr", "tok": guest["qrToken"], "d": "in"}

    answer = await gate.ask("up/scan", {**scan, "t": now_ms(), "exp": now_ms() + 5000}, "dn/dec")

    assert (answer["rid"], answer["r"], answer["c"]) == (scan["rid"], "admit", "ok")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_shell_script_obeys_a_lockdown(site: Site, version: str):
    gate = CommandLineGate(site.house.broker_port, await site.new_gate(f"Obeying {version}"), version)
    await be_born(gate)
    wanted = {"mode": "locked", "reason": "a repair"}
    await site.guard.put(f"/api/gates/{gate.gate_id}/mode", wanted)

    order = await gate.read("dn/desired")
    await gate.publish("up/hb", beat(gate, {"mode": order["mode"], "rev": order["rev"]}))

    assert order["mode"] == "locked"
    await eventually(lambda: obeys(site, gate), PATIENCE_S)


async def be_born(gate: CommandLineGate) -> None:
    """Say that the gate is here; a fresh account may be refused for a moment."""
    birth = {"s": "online", "e": gate.epoch, "b": 1, "j": {"lo": 0, "hi": 0}, "clk": now_ms(), "fw": "sh 1"}

    async def is_let_in() -> bool:
        try:
            await gate.publish("up/state", birth, "-r")
        except Refused:
            return False
        return True

    await eventually(is_let_in, PATIENCE_S)


def beat(gate: CommandLineGate, reported: dict[str, Any]) -> dict[str, Any]:
    return {"e": gate.epoch, "b": 1, "hi": gate.seq, "ak": gate.seq, "q": 0, "rep": reported}


async def is_online(site: Site, gate: CommandLineGate) -> bool:
    return bool((await site.guard.get(f"/api/gates/{gate.gate_id}"))["link"] == "online")


async def obeys(site: Site, gate: CommandLineGate) -> bool:
    orders = await site.guard.get(f"/api/sites/{site.site_id}/orders")
    return [one["confirmedAt"] is not None for one in orders if one["gateId"] == gate.gate_id] == [True]
