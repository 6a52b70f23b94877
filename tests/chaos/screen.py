"""A hub of the house, a manager who is signed in there, and what their screens show."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import msgspec
import psutil
from centrifuge import Client
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from domain.kernel.caller import SERVICE
from gatehouse.embedded.address import free_port
from gatehouse.embedded.child import Child
from gatehouse.parts import process_of
from tests.chaos.world import World
from tests.eventually import eventually
from tests.sdk import Seen

PERSON = {"email": "manager@example.com", "password": "a password of tests"}
SMALL = 536
"""Bytes of a segment: the kernel on either side then keeps little for who does not read."""


@dataclass
class Screen:
    """A hub, and who looks at it."""

    port: int
    child: Child
    site_id: int
    http: httpx2.AsyncClient
    token: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket(self) -> str:
        return f"ws://127.0.0.1:{self.port}/connection/websocket"

    async def log(self) -> list[int]:
        """Return the ids of the whole log, as a person turns its pages."""
        found, cursor = list[int](), None
        while True:
            asked = {"siteId": self.site_id, "limit": 200} | ({"cursor": cursor} if cursor else {})
            headers = {"Authorization": f"Bearer {self.token}"}
            answer = await self.http.get(f"{self.url}/access-log", params=asked, headers=headers)
            page = answer.raise_for_status().json()
            found += [entry["accessId"] for entry in page["items"]]
            cursor = page.get("nextCursor")
            if not cursor:
                return found

    @asynccontextmanager
    async def following(self, channel: str) -> AsyncIterator[Seen]:
        """Follow a channel with the SDK, and say what came."""
        seen = Seen()

        async def get_token() -> str:
            return self.token

        client = Client(self.socket, events=Seen(), token=self.token, get_token=get_token)
        await client.connect()
        try:
            await client.ready(timeout=10)
            subscription = client.new_subscription(channel, events=seen)
            await subscription.subscribe()
            await subscription.ready(timeout=10)
            yield seen
        finally:
            await client.disconnect()

    @asynccontextmanager
    async def sleeping(self, channel: str) -> AsyncIterator["Sleeper"]:
        """Follow a channel as a browser that does not read."""
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self.port))
        async with connect(self.socket, sock=raw, max_queue=1, ping_interval=None, close_timeout=0.1) as peer:
            await peer.send(msgspec.json.encode({"id": 1, "connect": {"token": self.token}}).decode())
            await peer.send(msgspec.json.encode({"id": 2, "subscribe": {"channel": channel}}).decode())
            peer.transport.pause_reading()
            yield Sleeper(peer, raw.getsockname()[1], self.child.pid)


@dataclass
class Sleeper:
    """A browser that does not read."""

    peer: ClientConnection
    port: int
    hub: int

    def connected(self) -> bool:
        """Tell whether the hub still has the connection."""
        mine = psutil.Process(self.hub).net_connections("tcp")
        return any(one.raddr and one.raddr.port == self.port for one in mine)

    async def read_on(self) -> None:
        """Wake up, and return when the end is there."""
        self.peer.transport.resume_reading()
        try:
            async for _ in self.peer:
                pass
        except ConnectionClosed:
            return


@asynccontextmanager
async def screen(world: World, **settings: str) -> AsyncIterator[Screen]:
    """Serve a hub with these settings, and sign a manager in."""
    (site_id,) = (await world.ask("SELECT id FROM sites"))[0]
    async with process_of(world.settings) as process:
        person = {"username": "manager", **PERSON, "roles": [{"role": "manager", "siteId": site_id}]}
        await process.runtime.call(SERVICE, "identity.create_user", person)
    async with httpx2.AsyncClient(trust_env=False) as http:
        port = free_port()
        child = await world.gatehouse("serve", PORT=str(port), **settings)
        made = Screen(port, child, site_id, http)
        await eventually(lambda: _ready(made), timeout_s=20)
        made.token = (await http.post(f"{made.url}/auth/login", json=PERSON)).json()["accessToken"]
        yield made


async def _ready(made: Screen) -> bool:
    try:
        return (await made.http.get(f"{made.url}/health/ready")).status_code == 200
    except httpx2.TransportError:
        return False


def shown(seen: Seen) -> set[int]:
    """Return the ids of the rows of the log that are on a screen, or were."""
    items: list[Any] = [item for view in seen.views for item in (view or {}).get("items", ())]
    return {item["data"]["accessId"] for item in items if item.get("data")}
