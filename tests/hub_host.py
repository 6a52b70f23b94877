"""A small application behind a hub, and the process around it, for tests through real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette

from channels.broker import Broker
from channels.host import Identity, Opening, Pressure, Publishing
from channels.limits import Limits
from channels.protocol import Disconnect, DisconnectCode, ErrorCode, ProtocolError
from channels.stream import HistoryPolicy
from server.fanout import Hub
from server.upgrade import Door, Entry
from server.uring import Ring
from tests.eventually import eventually

PRESSED = {"latest": Pressure.LATEST, "oldest": Pressure.OLDEST}
KEPT = HistoryPolicy(size=20, ttl_s=60)


class SmallHost:
    """Tokens are user names; `feed:` channels have history and a first view, `room:` ones presence, others nothing.

    `latest` and `oldest` let go of what a follower does not take.
    """

    def __init__(self) -> None:
        self.views = 0
        self.released = asyncio.Event()
        """Lets calls of `patient` go on, which are noted when they begin and when they are done."""
        self.noted: list[str] = []
        self.expires_at: float | None = None

    async def connect(self, token: str, data: bytes) -> Identity:
        if token == "expired":
            raise ProtocolError(ErrorCode.TOKEN_EXPIRED)
        if not token.isalnum():
            raise Disconnect(DisconnectCode.INVALID_TOKEN)
        info = json.dumps({"name": token}).encode()
        return Identity(
            user=token,
            session=f"login-{token}",
            info=info,
            subscriptions={f"#{token}": None},
            expires_at=self.expires_at,
        )

    async def refresh(self, identity: Identity, token: str) -> Identity:
        return await self.connect(token, b"")

    async def may(self, identity: Identity, channel: str, token: str, *, client: str) -> Opening:
        if channel.startswith("secret"):
            raise ProtocolError(ErrorCode.PERMISSION_DENIED)
        if channel.startswith("room:"):
            return Opening(history=KEPT, presence=True, join_leave=True)
        if channel in PRESSED:
            return Opening(pressure=PRESSED[channel])
        return Opening(history=KEPT if channel.startswith(("feed:", "#")) else None)

    async def glance(self, identity: Identity, channel: str) -> Opening:
        return await self.may(identity, channel, "", client="")

    async def first(self, identity: Identity, channel: str) -> bytes | None:
        self.views += 1
        return b'{"items": []}' if channel.startswith("feed:") else None

    async def channel_of(self, identity: Identity, token: str) -> str:
        return token

    async def publish(self, identity: Identity, channel: str, data: bytes, *, granted: bool) -> Publishing:
        if channel.startswith("secret"):
            raise ProtocolError(ErrorCode.PERMISSION_DENIED)
        return Publishing(data=data, history=KEPT if channel.startswith(("feed:", "room:", "#")) else None)

    async def send(self, identity: Identity, data: bytes) -> None:
        raise Disconnect(DisconnectCode.NOT_AVAILABLE)

    async def call(self, identity: Identity, method: str, data: bytes) -> bytes:
        match method:
            case "echo":
                return data
            case "who":
                return json.dumps({"address": identity.address, "agent": identity.agent}).encode()
            case "refuse":
                raise ProtocolError(409, '{"title":"Taken","status":409}')
            case "break":
                raise RuntimeError("a defect")
            case "slow":
                await asyncio.Event().wait()
            case "patient":
                self.noted.append(method)
                await self.released.wait()
                self.noted.append(method)
                return data
        raise ProtocolError(ErrorCode.METHOD_NOT_FOUND)


class Running:
    """A hub that listens on a free port."""

    def __init__(self, hub: Hub, host: SmallHost, port: int) -> None:
        self.hub = hub
        self.host = host
        self.port = port
        self.url = f"ws://127.0.0.1:{port}/connection/websocket"


@asynccontextmanager
async def serving(
    broker: Broker, limits: Limits | None = None, entry: Entry | None = None, ring: Ring | None = None
) -> AsyncIterator[Running]:
    hub, host = Hub(broker, ring=ring), SmallHost()
    door = Door(hub, host, limits=limits, entry=entry)
    config = uvicorn.Config(
        Starlette(),
        port=0,
        http=door.protocol,
        ws="websockets-sansio",
        lifespan="off",
        log_level="warning",
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    tasks = [asyncio.create_task(hub.run()), asyncio.create_task(server._serve())]
    await eventually(lambda: server.started)
    try:
        yield Running(hub, host, server.servers[0].sockets[0].getsockname()[1])
    finally:
        await hub.shutdown(within_s=1)
        server.should_exit = True
        await asyncio.wait([tasks[1]])
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await broker.close()
