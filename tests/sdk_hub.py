"""A served hub for tests through client SDKs: namespaces for every feature, tokens, and an application that answers."""

import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
import jwt

from channels.host import Identity
from channels.memory import MemoryBroker
from channels.namespaces import Namespaces
from channels.protocol import ErrorCode, ProtocolError
from channels.tokens import FixedKeys, Tokens
from server.fanout import Hub
from server.partners import PartnerHost
from tests.sdk_profile.hub import hub_of
from tests.served import serving

SECRET: Final = "a secret that is long enough to sign with"
API_KEY: Final = "the key of the back end"

KEPT: Final[dict[str, Any]] = {"history_size": 100, "history_ttl_s": 300}
OPEN: Final[dict[str, Any]] = {
    "allow_subscribe_for_client": True,
    "allow_publish_for_subscriber": True,
    "allow_presence_for_subscriber": True,
    "allow_history_for_subscriber": True,
}
PEOPLE: Final[dict[str, Any]] = {"presence": True, "join_leave": True, "force_push_join_leave": True}

PROFILE: Final[dict[str, Any]] = {
    "subscribe_to_user_personal_channel": True,
    "default": {**KEPT, **OPEN, **PEOPLE, "force_recovery": True},
    "namespaces": {
        "short": {**KEPT, **OPEN, "history_size": 2, "force_recovery": True},
        "latest": {**KEPT, **OPEN, "recovery_mode": "cache", "force_recovery": True},
        "delta": {**KEPT, **OPEN, "delta": True, "force_recovery": True},
        "wish": {**KEPT, **OPEN, "presence": True, "join_leave": True},
        "plain": OPEN,
        "closed": KEPT,
    },
}


class AnsweringHost(PartnerHost):
    """Partners' connections with somebody behind them who answers, and remembers what was sent."""

    def __init__(self, namespaces: Namespaces, tokens: Tokens) -> None:
        super().__init__(namespaces, tokens)
        self.heard: list[tuple[str, bytes]] = []

    async def call(self, identity: Identity, method: str, data: bytes) -> bytes:
        match method:
            case "echo":
                return data
            case "who":
                return json.dumps({"user": identity.user}).encode()
            case "heard":
                mine = [json.loads(sent) for user, sent in self.heard if user == identity.user]
                return json.dumps(mine).encode()
            case "refuse":
                raise ProtocolError(409, "taken")
        raise ProtocolError(ErrorCode.METHOD_NOT_FOUND)

    async def send(self, identity: Identity, data: bytes) -> None:
        self.heard.append((identity.user, data))


class SdkHub:
    """What a test holds of the hub."""

    def __init__(self, url: str, hub: Hub, host: AnsweringHost, http: httpx2.AsyncClient) -> None:
        self.url = url
        self.socket_url = url.replace("http", "ws") + "/connection/websocket"
        self.hub = hub
        self.host = host
        self._http = http

    async def api(self, method: str, **request: Any) -> dict[str, Any]:
        """Ask the server API as a back end does."""
        answer = await self._http.post(f"/api/{method}", json=request, headers={"X-API-Key": API_KEY})
        found: dict[str, Any] = answer.json()
        assert "result" in found, found
        result: dict[str, Any] = found["result"]
        return result

    async def publish(self, channel: str, *payloads: Any) -> None:
        """Publish as a back end, one after the other."""
        for data in payloads:
            await self.api("publish", channel=channel, data=data)


def token(user: str, *, lasts_s: float | None = None, secret: str = SECRET, **claims: Any) -> str:
    """Sign a connection token, or with ``channel`` one for a subscription."""
    expiry = {} if lasts_s is None else {"exp": time.time() + lasts_s}
    return jwt.encode({"sub": user, **expiry, **claims}, secret, algorithm="HS256")


def unique(namespace: str = "") -> str:
    """Name a channel that no other test uses."""
    return f"{namespace}{':' if namespace else ''}{secrets.token_hex(6)}"


@asynccontextmanager
async def sdk_hub() -> AsyncIterator[SdkHub]:
    """Serve the hub on a free port until the block ends."""
    broker = MemoryBroker()
    host = AnsweringHost(Namespaces.of(PROFILE), Tokens(FixedKeys(secret=SECRET)))
    app, parts = hub_of(broker, PROFILE, api_key=API_KEY, host=host)
    app.state.door = parts.door
    try:
        async with serving(app) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as http:
            yield SdkHub(url, parts.hub, host, http)
    finally:
        await broker.close()
