"""A real site in the production shape, set up as an operator would: an admin by the command line, the rest by HTTP."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from centrifuge import Client, ClientEventHandler

from gatehouse.embedded.child import Child, Command
from simulators.control import present
from simulators.presented import Presented
from tests.eventually import eventually
from tests.journeys.compose_machine import Machine
from tests.journeys.compose_programs import GATEHOUSE, ROOT

ADMIN, HOST = "olga@example.com", "hans@example.com"
PASSWORD = "a lighthouse keeper's umbrella"
METRICS_TOKEN = "wX4zL7pB2mQ9"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


class Screen(ClientEventHandler):
    """What the host's screen has heard on the personal channel since it is open."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.recovered: list[bool] = []
        self.ends: list[int] = []

    async def on_subscribed(self, context: Any) -> None:
        self.recovered.append(context.recovered)

    async def on_publication(self, context: Any) -> None:
        self.heard += [item["data"] for item in context.pub.data["items"]]

    async def on_disconnected(self, context: Any) -> None:
        self.ends.append(context.code)

    def arrivals(self) -> list[str]:
        """Return the texts that tell of an arrival, as often as they came."""
        return [one["text"] for one in self.heard if one["kind"] == "guest_arrived"]

    def has_heard_of(self, arrivals: int) -> bool:
        """Tell whether so many arrivals were heard of."""
        return len(self.arrivals()) >= arrivals


@dataclass(kw_only=True)
class Site:
    """One site with one gate, its host, and the way to all of them."""

    machine: Machine
    http: httpx2.AsyncClient
    site_id: int
    gate_id: int
    host_id: int
    door: Path

    @property
    def url(self) -> str:
        """The balancer's address."""
        return f"http://{self.machine.address('balancer', 8080)}"

    async def signed_in(self, email: str) -> dict[str, str]:
        """Return the headers of somebody's calls."""
        return await sign_in(self.http, email)

    async def guest(self, name: str, **members: Any) -> dict[str, Any]:
        """Have the host expect a guest from now on, and return the pass."""
        now = datetime.now(UTC)
        window = {"start": now.isoformat(), "end": (now + timedelta(hours=2)).isoformat()}
        asked = {"guestName": name, "siteId": self.site_id, **window, **members}
        return await call(self.http, "POST", "/guest-passes", await self.signed_in(HOST), asked)

    async def shown(self, token: str) -> Presented:
        """Show a pass at the gate, from the street inward."""
        return await present(self.door, self.gate_id, token)

    async def listed(self, path: str, **filters: Any) -> list[dict[str, Any]]:
        """Return a list as the admin sees it."""
        answer = await self.http.get(path, params=filters, headers=await self.signed_in(ADMIN))
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    @asynccontextmanager
    async def host_listening(self) -> AsyncIterator[Screen]:
        """Connect the host's screen through the balancer, and give what it hears."""

        async def token() -> str:
            return (await self.signed_in(HOST))["Authorization"].removeprefix("Bearer ")

        screen, address = Screen(), f"{self.url.replace('http', 'ws')}/connection/websocket"
        client = Client(address, events=screen, get_token=token, max_reconnect_delay=0.5)
        await client.connect()
        try:
            await client.ready(timeout=10)
            yield screen
        finally:
            await client.disconnect()

    async def answers(self, expected: int, url: str, headers: dict[str, str] | None = None) -> bool:
        """Tell whether an address answers with a status."""
        return (await self.http.get(url, headers=headers)).status_code == expected

    async def both_hubs_serve(self) -> None:
        """See that the balancer takes both hubs for good."""
        page = (await self.http.get(f"http://{self.machine.address('balancer', 8404)}/metrics")).text
        assert 'haproxy_backend_active_servers{proxy="hubs"} 2\n' in page

    async def sockets_of(self, number: int) -> int:
        """Return how many sockets are open at a hub."""
        return int(await self._connections(number))

    async def hub_of_the_screen(self) -> int:
        """Return the number of the hub that has the only open socket."""

        async def one() -> list[int]:
            return [number for number in self.machine.running_of("hub") if await self._connections(number)]

        [number] = await eventually(one)
        return number

    async def _connections(self, number: int) -> float:
        address = f"http://{self.machine.address('hub', 8080, number=number)}/metrics"
        answer = await self.http.get(address, headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
        lines = answer.raise_for_status().text.splitlines()
        return sum(float(line.split()[1]) for line in lines if line.startswith("gatehouse_hub_connections{"))


async def call(
    http: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str], body: object = None
) -> dict[str, Any]:
    """Call the API and return its answer, which is a success."""
    answer = await http.request(method, f"/api{path}", headers=headers, json=body)
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


async def sign_in(http: httpx2.AsyncClient, email: str) -> dict[str, str]:
    """Return the headers of somebody's calls."""
    granted = await call(http, "POST", "/auth/login", {}, {"email": email, "password": PASSWORD})
    return {"Authorization": f"Bearer {granted['accessToken']}"}


@asynccontextmanager
async def opened(machine: Machine, folder: Path) -> AsyncIterator[Site]:
    """Open a site with a host and a gate that is a simulated turnstile, reached by TLS."""
    url = f"http://{machine.address('balancer', 8080)}"
    await machine.run("hub", "gatehouse", "create-admin", f"--email={ADMIN}", f"--password={PASSWORD}")
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=20) as http:
        admin = await sign_in(http, ADMIN)
        site = await call(http, "POST", "/sites", admin, {"name": "Lighthouse", "timezone": "Europe/Berlin"})
        where = {"siteId": site["siteId"]}
        zone = await call(http, "POST", "/zones", admin, {**where, "name": "Lobby", "capacity": 50})
        gate = await call(
            http, "POST", "/gates", admin, {**where, "name": "Front door", "toZoneId": zone["zoneId"]}
        )
        host = {"username": "hans", "email": HOST, "password": PASSWORD}
        person = await call(http, "POST", "/users", admin, {**host, "roles": [{**where, "role": "member"}]})
        device = await call(http, "POST", f"/gates/{gate['gateId']}/device", admin)
        fleet = _write_fleet(machine, folder, device, zone)
        async with _turnstile(fleet):
            found = Site(
                machine=machine,
                http=http,
                site_id=site["siteId"],
                gate_id=gate["gateId"],
                host_id=person["id"],
                door=folder / "fleet.sock",
            )
            await eventually(lambda: _is_online(found), 30)
            yield found


def _write_fleet(machine: Machine, folder: Path, device: dict[str, Any], zone: dict[str, Any]) -> Path:
    """Write what a turnstile knows: its account, the authority it trusts, and the keys of passes."""
    port = machine.places.port("mosquitto", 8883)
    fleet = {
        "broker": f"mqtts://localhost:{port}",
        "caFile": str(machine.places.volume("certificates") / "ca.crt"),
        "publicKeys": device["passKeys"],
        "gates": [
            {
                **{name: device[name] for name in ("gateId", "siteId", "username", "password")},
                "toZone": {"zoneId": zone["zoneId"], "ordinal": zone["ordinal"]},
                "walkS": 0.05,
            }
        ],
    }
    path = folder / "fleet.json"
    path.write_bytes(msgspec.json.encode(fleet))
    return path


@asynccontextmanager
async def _turnstile(fleet: Path) -> AsyncIterator[None]:
    argv = ("env", "-C", str(fleet.parent), *GATEHOUSE, "simulate", "fleet", str(fleet))
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "JWT_SECRET_KEY": secrets.token_hex()}
    log = fleet.with_name("fleet.log")
    child = await Child.start(Command(argv=argv, log=log, env=environment))
    try:
        yield
    finally:
        await child.stop(5)


async def _is_online(site: Site) -> bool:
    [gate] = await site.listed("/api/gates", siteId=site.site_id)
    return bool(gate["link"] == "online")
