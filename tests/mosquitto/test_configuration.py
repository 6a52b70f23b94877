"""The broker of a real site starts from its configuration, lets gates in by TLS, and lets nobody else in."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gate_bridge import accounts
from gate_bridge.accounts import initial_dynsec
from gate_bridge.client import Client, Settings
from simulators.link import Account, Link
from tests.eventually import eventually
from tests.private_broker import PLUGIN, PrivateBroker, free_port
from tests.tls import write_certificates

CONFIGURATION = Path(__file__).parents[2] / "mosquitto" / "mosquitto.conf"


class SiteBroker(PrivateBroker):
    """The configuration as it is, but for the places of files and the ports."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.secure_port = free_port()

    def configuration(self) -> str:
        text = CONFIGURATION.read_text()
        text = text.replace("/usr/lib/mosquitto_dynamic_security.so", str(PLUGIN))
        text = text.replace("/mosquitto/data/", f"{self.folder}/").replace(
            "/mosquitto/certs/", f"{self.folder}/"
        )
        text = re.sub(r"^listener 8883$", f"listener {self.secure_port} 127.0.0.1", text, flags=re.M)
        text = re.sub(r"^listener 1883$", f"listener {self.port} 127.0.0.1", text, flags=re.M)
        return f"user root\n{text}"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[SiteBroker]:
    write_certificates(tmp_path)
    first = initial_dynsec("a", {"svc-ingest": "i", "svc-control": "c"})
    (tmp_path / "dynamic-security.json").write_text(json.dumps(first))
    broker = SiteBroker(tmp_path)
    await broker.start()
    yield broker
    broker.kill()


@asynccontextmanager
async def running(client: Client) -> AsyncIterator[Client]:
    async with asyncio.TaskGroup() as group:
        life = group.create_task(client.run())
        try:
            await client.wait_connected(5)
            yield client
        finally:
            life.cancel()


def service(site: SiteBroker, name: str, password: str, topic: str) -> Client:
    return Client(
        Settings(
            url=f"mqtt://{name}:{password}@127.0.0.1:{site.port}", client_id=name, subscriptions=((topic, 1),)
        )
    )


async def test_a_gate_with_an_account_comes_in_by_tls(site: SiteBroker):
    async with running(service(site, "svc-control", "c", accounts.RESPONSES)) as control:
        await control.publish(accounts.REQUESTS, accounts.request(accounts.create_gate(1, 5, "pw"), "x"))
        answer = (await control.batch())[0].payload
        assert not any(outcome.failed for outcome in accounts.outcomes(answer, "x"))

    async with running(service(site, "svc-ingest", "i", "gh/1/+/+/up/evt")) as ingest:
        gate = Link(
            Account(
                broker=f"mqtts://localhost:{site.secure_port}",
                username="5",
                password="pw",
                ca_file=str(site.folder / "ca.crt"),
            ),
            ["gh/1/1/5/dn/#"],
            will=lambda: ("gh/1/1/5/up/state", b"gone"),
            arrived=lambda: None,
            heard=lambda message: None,
        )
        async with asyncio.TaskGroup() as group:
            life = group.create_task(gate.run())
            await eventually(gate.up.is_set)
            assert gate.post("gh/1/1/5/up/evt", b"x" * 60_000, qos=1)
            assert [message.payload for message in await ingest.batch()] == [b"x" * 60_000]
            life.cancel()


async def test_our_own_client_speaks_tls_with_large_messages_too(site: SiteBroker):
    url = f"mqtts://svc-ingest:i@localhost:{site.secure_port}"
    settings = Settings(
        url=url, client_id="far", ca_file=str(site.folder / "ca.crt"), subscriptions=(("gh/1/+/+/up/evt", 1),)
    )
    async with (
        running(Client(settings)) as far,
        running(service(site, "svc-control", "c", "$SYS/#")) as control,
    ):
        for _ in range(20):
            await control.publish("gh/1/1/1/up/state", b"")
            await far.publish("gh/1/1/1/dn/ack", b"y" * 60_000)

        assert far.counts.connections == 1


@pytest.mark.parametrize(
    "url", ["mqtt://127.0.0.1:{plain}", "mqtt://5:wrong@127.0.0.1:{plain}", "mqtts://localhost:{secure}"]
)
async def test_nobody_comes_in_without_an_account_or_a_known_authority(
    site: SiteBroker, url: str, caplog: pytest.LogCaptureFixture
):
    client = Client(Settings(url=url.format(plain=site.port, secure=site.secure_port), client_id="5"))
    async with asyncio.TaskGroup() as group:
        life = group.create_task(client.run())
        await eventually(lambda: "5 cannot reach the broker" in caplog.text)
        life.cancel()

    assert client.counts.connections == 0
