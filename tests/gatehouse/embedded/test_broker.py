"""The embedded MQTT broker: the same promises by Mosquitto and by its stand-in.

Proves: gatehouse/embedded/stand_in.py, gatehouse/embedded/stored.py
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gatehouse.embedded.accounts import CONTROL_TOPIC, RESPONSE_TOPIC, Account
from gatehouse.embedded.broker import (
    Amqtt,
    Broker,
    Kind,
    Mosquitto,
    dynamic_security_plugin,
    mosquitto_program,
)
from gatehouse.embedded.lock import DataInUse
from tests.eventually import eventually
from tests.services.needs import missing

HOUSE = Account(
    username="svc-house",
    password="house-password",
    publish=("gh/1/+/+/dn/#",),
    subscribe=("gh/1/+/+/up/#",),
    manages_accounts=True,
)
MISSING = mosquitto_program() is None or dynamic_security_plugin() is None


class Peer:
    """A client that remembers what it was told."""

    def __init__(self, broker: Broker, username: str, password: str) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.codes: list[str] = []
        self.granted: list[bool] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=username)
        self.client.username_pw_set(username, password)
        self.client.on_message = lambda _c, _u, message: self.heard.append(
            (message.topic, bytes(message.payload))
        )
        self.client.on_connect = lambda _c, _u, _f, code, _p: self.codes.append(str(code))
        self.client.on_subscribe = lambda _c, _u, _m, codes, _p: self.granted.append(not codes[0].is_failure)
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()

    async def follow(self, topic: str) -> bool:
        count = len(self.granted)
        self.client.subscribe(topic, qos=1)
        await eventually(lambda: len(self.granted) > count)
        return self.granted[-1]

    async def say(self, topic: str, payload: bytes, retain: bool = False) -> None:
        said = self.client.publish(topic, payload, qos=1, retain=retain)
        await eventually(said.is_published)


@contextmanager
def peer(broker: Broker, username: str = HOUSE.username, password: str = HOUSE.password) -> Iterator[Peer]:
    one = Peer(broker, username, password)
    try:
        yield one
    finally:
        one.client.disconnect()
        one.client.loop_stop()


async def command(house: Peer, *commands: dict[str, Any]) -> list[dict[str, Any]]:
    count = len(house.heard)
    await house.say(CONTROL_TOPIC, msgspec.json.encode({"commands": commands}))
    await eventually(lambda: len(house.heard) > count)
    responses: list[dict[str, Any]] = msgspec.json.decode(house.heard[-1][1])["responses"]
    return responses


def new_gate(gate: str) -> list[dict[str, Any]]:
    acls = [
        {"acltype": "publishClientSend", "topic": f"gh/1/7/{gate}/up/#", "priority": 0, "allow": True},
        {"acltype": "subscribePattern", "topic": f"gh/1/7/{gate}/dn/#", "priority": 0, "allow": True},
    ]
    return [
        {"command": "createRole", "rolename": f"gate-{gate}", "acls": acls},
        {
            "command": "createClient",
            "username": gate,
            "password": "gate-password",
            "roles": [{"rolename": f"gate-{gate}"}],
        },
    ]


@pytest.fixture(params=["mosquitto", "amqtt"])
def kind(request: pytest.FixtureRequest) -> Kind:
    if request.param == "mosquitto" and MISSING:
        missing("needs Mosquitto: apt-get install mosquitto")
    which: Kind = request.param
    return which


@pytest.fixture
async def broker(kind: Kind, tmp_path: Path) -> AsyncIterator[Broker]:
    async with Broker.start(tmp_path, accounts=[HOUSE], kind=kind) as server:
        yield server


async def test_a_service_is_let_in_and_a_wrong_password_is_not(broker: Broker):
    with (
        peer(broker) as right,
        peer(broker, password="wrong") as wrong,
        peer(broker, "nobody", "x") as unknown,
    ):
        await eventually(lambda: right.codes and wrong.codes and unknown.codes)

        assert right.codes[0] == "Success"
        assert wrong.codes[0] != "Success"
        assert unknown.codes[0] != "Success"


async def test_mosquitto_has_mqtt_5_and_the_stand_in_says_that_it_has_not(broker: Broker):
    codes = list[str]()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=HOUSE.username, protocol=mqtt.MQTTv5)
    client.username_pw_set(HOUSE.username, HOUSE.password)
    client.on_connect = lambda _c, _u, _f, code, _p: codes.append(str(code))
    wanted = Properties(PacketTypes.CONNECT)
    wanted.SessionExpiryInterval, wanted.ReceiveMaximum = 60, 2000
    client.connect(broker.host, broker.port, properties=wanted)
    client.loop_start()
    await eventually(lambda: codes)
    client.disconnect()
    client.loop_stop()

    assert codes[0] == ("Success" if isinstance(broker, Mosquitto) else "Unsupported protocol version")


async def test_a_gate_gets_an_account_and_reaches_its_own_topics_only(broker: Broker):
    with peer(broker) as house:
        await house.follow(RESPONSE_TOPIC)
        await house.follow("gh/1/+/+/up/#")
        assert not any("error" in one for one in await command(house, *new_gate("3")))
        house.heard.clear()

        with peer(broker, "3", "gate-password") as gate:
            assert await gate.follow("gh/1/7/3/dn/#")
            assert not await gate.follow("gh/1/7/4/dn/#")
            assert not await gate.follow("#")
            await gate.say("gh/1/7/3/up/evt", b"mine")
            await house.say("gh/1/7/3/dn/ack", b"heard")

            await eventually(lambda: gate.heard == [("gh/1/7/3/dn/ack", b"heard")])
            await eventually(lambda: house.heard == [("gh/1/7/3/up/evt", b"mine")])


async def test_what_a_gate_says_in_another_ones_name_reaches_nobody(broker: Broker):
    with peer(broker) as house:
        await house.follow(RESPONSE_TOPIC)
        await house.follow("gh/1/+/+/up/#")
        await command(house, *new_gate("3"))
        house.heard.clear()

        # Mosquitto 2.0 acknowledges what it refuses and then drops the connection, hence two.
        with peer(broker, "3", "gate-password") as gate:
            await gate.follow("gh/1/7/3/dn/#")
            await gate.say("gh/1/7/4/up/evt", b"not mine")
        with peer(broker, "3", "gate-password") as gate:
            await gate.follow("gh/1/7/3/dn/#")
            await gate.say("gh/1/7/3/up/evt", b"mine")

        await eventually(lambda: house.heard)
        assert house.heard == [("gh/1/7/3/up/evt", b"mine")]


async def test_a_disabled_gate_is_disconnected_at_once_and_stays_out(broker: Broker):
    with peer(broker) as house:
        await house.follow(RESPONSE_TOPIC)
        await command(house, *new_gate("3"))
        with peer(broker, "3", "gate-password") as gate:
            await eventually(lambda: gate.codes == ["Success"])

            await command(house, {"command": "disableClient", "username": "3"})

            await eventually(lambda: len(gate.codes) > 1)
            assert gate.codes[1] != "Success"


async def test_an_unknown_role_is_refused_in_the_same_words(broker: Broker):
    with peer(broker) as house:
        await house.follow(RESPONSE_TOPIC)

        answers = await command(
            house,
            {"command": "deleteRole", "rolename": "none", "correlationData": "a"},
            {"command": "deleteClient", "username": "none"},
        )

        assert answers == [
            {"command": "deleteRole", "error": "Role not found", "correlationData": "a"},
            {"command": "deleteClient", "error": "Client not found"},
        ]


async def test_a_gate_may_not_manage_accounts(broker: Broker):
    with peer(broker) as house:
        await house.follow(RESPONSE_TOPIC)
        await command(house, *new_gate("3"))
        with peer(broker, "3", "gate-password") as gate:
            assert not await gate.follow(RESPONSE_TOPIC)
            await gate.say(CONTROL_TOPIC, b'{"commands":[{"command":"deleteClient","username":"svc-house"}]}')

        with peer(broker) as again:
            await eventually(lambda: again.codes == ["Success"])


async def test_accounts_outlive_a_kill_and_the_port_stays(broker: Broker):
    with peer(broker) as house:
        await house.follow(RESPONSE_TOPIC)
        await command(house, *new_gate("3"))
    port = broker.port

    broker.kill()
    await broker.restart()

    assert broker.port == port
    with peer(broker, "3", "gate-password") as gate:
        await eventually(lambda: gate.codes == ["Success"])


async def test_retained_messages_are_there_after_an_orderly_restart_of_mosquitto(tmp_path: Path):
    if MISSING:
        missing("needs Mosquitto: apt-get install mosquitto")
    async with Broker.start(tmp_path, accounts=[HOUSE], kind="mosquitto") as broker:
        with peer(broker) as house:
            await house.say("gh/1/7/3/dn/desired", b"locked", retain=True)
        await broker.restart()
        with peer(broker) as house:
            await house.follow(RESPONSE_TOPIC)
            await command(house, *new_gate("3"))
        with peer(broker, "3", "gate-password") as gate:
            await gate.follow("gh/1/7/3/dn/#")
            await eventually(lambda: gate.heard == [("gh/1/7/3/dn/desired", b"locked")])


async def test_a_later_start_has_the_devices_still_and_the_services_new_password(kind: Kind, tmp_path: Path):
    async with Broker.start(tmp_path, accounts=[HOUSE], kind=kind) as broker:
        with peer(broker) as house:
            await house.follow(RESPONSE_TOPIC)
            await command(house, *new_gate("3"))

    renewed = msgspec.structs.replace(HOUSE, password="another")
    async with Broker.start(tmp_path, accounts=[renewed], kind=kind) as broker:
        with peer(broker, password="another") as house, peer(broker, "3", "gate-password") as gate:
            await eventually(lambda: house.codes == ["Success"] and gate.codes == ["Success"])


async def test_a_taken_port_is_replaced_by_a_free_one(kind: Kind, tmp_path: Path):
    taken = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]

    async with taken, Broker.start(tmp_path, accounts=[HOUSE], port=port, kind=kind) as broker:
        assert broker.port != port
        assert broker.url == f"mqtt://127.0.0.1:{broker.port}"


async def test_a_second_one_on_the_same_data_is_refused(broker: Broker, tmp_path: Path):
    with pytest.raises(DataInUse):
        async with Broker.start(tmp_path, accounts=[HOUSE]):
            pytest.fail("must not start")


async def test_mosquitto_is_preferred_where_it_is(tmp_path: Path):
    async with Broker.start(tmp_path, accounts=[HOUSE]) as broker:
        assert isinstance(broker, Amqtt if MISSING else Mosquitto)


async def test_a_port_that_is_taken_for_a_moment_does_not_end_the_keeping(own_mosquitto: Broker) -> None:
    keeper = asyncio.create_task(own_mosquitto.keep())
    own_mosquitto.restart_pause_s = 0.5
    own_mosquitto.kill()
    await own_mosquitto.wait()
    async with await asyncio.start_server(
        lambda _, writer: writer.close(), own_mosquitto.host, own_mosquitto.port
    ):
        await eventually(lambda: "ddress already in use" in own_mosquitto.log.read_text(), timeout_s=20)
        assert not own_mosquitto.running and not keeper.done()

    await eventually(lambda: own_mosquitto.running, timeout_s=20)
    await own_mosquitto.stop()
    await keeper
