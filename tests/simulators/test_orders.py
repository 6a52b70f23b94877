"""A gate obeys what the server signed, once, in time, and also after a power cut."""

import time
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec.structs import asdict

from domain.access.rules.orders import Purpose, sign
from gate_bridge import wire
from simulators.journal import Journal
from simulators.orders import Orders
from tests.eventually import eventually
from tests.gate_server import GateServer, gate_server, silence
from tests.passes import KEY, a_pass
from tests.private_broker import PrivateBroker
from tests.simulators.test_turnstile import KEYS, connected, turnstile

PLACE = (1, 1)
KEY_ID = next(iter(KEYS))


def signed(purpose: Purpose, **members: Any) -> bytes:
    told = members | {"k": KEY_ID}
    return msgspec.json.encode(told | {"sig": sign(purpose, *PLACE, told, KEY)})


def desired(revision: int, mode: str = "locked", **more: Any) -> bytes:
    return signed("desired", rev=revision, mode=mode, **more)


def command(number: int, verb: str = "open", lasts_ms: int = 5000, **more: Any) -> bytes:
    now = int(time.time() * 1000)
    given = {"d": "in"} if verb == "open" else {}
    told = (
        {"cid": f"{number:016x}", "n": number, "verb": verb, "t": now, "exp": now + lasts_ms} | given | more
    )
    return signed("command", **told)


def read(leg: wire.Leg, payload: bytes) -> Any:
    return wire.parse(wire.topic(*PLACE, leg), payload).message


def take(orders: Orders, payload: bytes) -> bool:
    return orders.take(read("dn/desired", payload), payload)


def refusal(orders: Orders, payload: bytes, server_ms: int | None = None) -> str | None:
    now = int(time.time() * 1000) if server_ms is None else server_ms
    return orders.refusal(read("dn/cmd", payload), payload, now)


def test_the_newest_order_counts_and_outlives_a_power_cut(tmp_path: Path):
    journal = Journal.open(tmp_path / "journal")
    orders = Orders(PLACE, journal, KEYS)

    assert take(orders, desired(5, "lockdown"))
    assert not take(orders, desired(5, "normal"))
    assert not take(orders, desired(4, "normal"))
    journal.close()

    again = Orders(PLACE, Journal.open(tmp_path / "journal"), KEYS)
    assert (again.mode(0), again.revision) == ("lockdown", 5)


def test_an_order_ends_by_itself(tmp_path: Path):
    orders = Orders(PLACE, Journal.open(tmp_path / "journal"), KEYS)

    assert take(orders, desired(1, "free", until=1_800_000_000_000))

    assert orders.mode(1_799_999_999_999) == "free"
    assert orders.mode(1_800_000_000_000) == "normal"


def test_what_the_server_did_not_sign_changes_nothing(tmp_path: Path):
    orders = Orders(PLACE, Journal.open(tmp_path / "journal"), KEYS)
    forged = desired(1).replace(b"locked", b"free")
    unknown = desired(1).replace(f'"k":{KEY_ID}'.encode(), b'"k":200')

    assert not take(orders, forged) and not take(orders, unknown)
    assert refusal(orders, command(1).replace(b'"in"', b'"out"')) == "bad_sig"
    assert refusal(orders, signed("desired", **msgspec.json.decode(command(1)))) == "bad_sig"


def test_a_command_is_obeyed_once_and_in_time(tmp_path: Path):
    orders = Orders(PLACE, Journal.open(tmp_path / "journal"), KEYS)

    assert refusal(orders, command(1)) is None
    assert refusal(orders, command(1)) == "replayed"
    late = command(2, lasts_ms=0)
    assert refusal(orders, late) == "expired"
    assert refusal(orders, late, server_ms=0) == "replayed"


async def test_a_gate_takes_an_order_over_says_so_and_refuses_by_itself(
    broker: PrivateBroker, tmp_path: Path
):
    async with gate_server(broker.url, silence) as server:
        async with connected(broker.url, tmp_path, policy="signed_ok") as gate:
            post(server, "dn/desired", desired(7))
            await eventually(lambda: wire.Reported(mode="locked", revision=7) in reported(server))
            shown = await gate.present(a_pass(7), "in")
            assert (shown.verdict, shown.reason, shown.source) == ("deny", "lockdown", "offline")
            await gate.wait_drained(5)
            assert "mode" in server.kinds()
        server.client.post(wire.topic(*PLACE, "dn/desired"), b"", qos=1, retained=True)
    async with turnstile("mqtt://127.0.0.1:1", tmp_path) as gate:
        assert (await gate.present(a_pass(7), "in")).reason == "lockdown"


async def test_a_gate_opens_on_command_and_answers(broker: PrivateBroker, tmp_path: Path):
    async with gate_server(broker.url) as server, connected(broker.url, tmp_path) as gate:
        for payload in (command(1), command(1), command(2, "reboot"), command(3, "identify")):
            post(server, "dn/cmd", payload)
        await eventually(lambda: len(server.outcomes) == 4)
        await gate.wait_drained(5)

        said = [(outcome.done, outcome.reason) for outcome in server.outcomes]
        assert said == [(True, "ok"), (False, "replayed"), (True, "ok"), (True, "ok")]
        assert server.kinds() == ["boot", "cmd", "passage", "cmd", "cmd", "boot", "cmd"]
        passage = next(event for event in server.rows.values() if event.kind == "passage")
        assert (passage.request_id, passage.direction, passage.pass_id) == (f"{1:016x}", "in", None)


async def test_the_answer_to_a_command_carries_what_the_command_carried(
    broker: PrivateBroker, tmp_path: Path
):
    async with gate_server(broker.url) as server, connected(broker.url, tmp_path):
        post(server, "dn/cmd", command(1), properties=wire.Properties(correlation=b"c1"))
        await eventually(lambda: server.outcomes)

        assert server.properties["res"] == wire.Properties(correlation=b"c1")


async def test_a_command_that_somebody_kept_opens_nothing(broker: PrivateBroker, tmp_path: Path):
    async with gate_server(broker.url) as server:
        topic = wire.topic(*PLACE, "dn/cmd")
        await server.client.publish(topic, command(1, lasts_ms=60_000), retained=True)
        async with connected(broker.url, tmp_path) as gate:
            post(server, "dn/cmd", command(2, "identify"))
            await eventually(lambda: server.outcomes)
            await gate.wait_drained(5)

            assert [outcome.command_id for outcome in server.outcomes] == [f"{2:016x}"]
            assert server.kinds() == ["boot", "cmd"]


def post(server: GateServer, leg: wire.Leg, payload: bytes, **more: Any) -> None:
    retained = leg in wire.RETAINED
    server.client.post(wire.topic(*PLACE, leg), payload, qos=wire.QOS[leg], retained=retained, **more)


def reported(server: GateServer) -> list[wire.Reported | None]:
    return [beat.reported for beat in server.beats]


def test_the_verbs_are_those_of_the_wire():
    assert set(get_args(wire.Verb)) == {"open", "identify", "reboot"}
    assert asdict(read("dn/cmd", command(1, "identify")))["direction"] is None
