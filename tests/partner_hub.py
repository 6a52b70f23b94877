"""A hub of partners' namespaces at a free port of this process, its server API, and clients of it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import jwt
from centrifuge import Client, ClientEventHandler, SubscriptionEventHandler

from channels.broker import Broker
from channels.namespaces import Namespaces
from channels.tokens import FixedKeys, Tokens
from server.partners import PartnerHost
from server.realtime import Realtime
from tests.sdk_profile.hub import hub_of
from tests.served import serving

API_KEY = "key of the tests"
SECRET = "a secret of 64 bytes, so that it is long enough for each of HS*."
KEPT = {"history_size": 10, "history_ttl_s": 60}
PROFILE: dict[str, Any] = {
    "default": {"allow_subscribe_for_client": True},
    "namespaces": {
        "chat": {**KEPT, "allow_subscribe_for_client": True, "presence": True, "force_recovery": True},
        "own": {**KEPT, "presence": True},
        "pair": {"allow_user_limited_channels": True, "allow_publish_for_subscriber": True},
    },
    "subscribe_to_user_personal_channel": True,
    "personal_channel_namespace": "own",
}


@dataclass(frozen=True)
class PartnerHub:
    """What a test holds of it."""

    url: str
    parts: Realtime
    broker: Broker

    @property
    def api(self) -> str:
        """Where the server API is."""
        return f"{self.url}/api"


@asynccontextmanager
async def partner_hub(
    broker: Broker, profile: Any = PROFILE, *, api_key: str | None = API_KEY
) -> AsyncIterator[PartnerHub]:
    """Serve a hub over a broker, which is closed in the end."""
    host = PartnerHost(Namespaces.of(profile), Tokens(FixedKeys(secret=SECRET)))
    app, parts = hub_of(broker, profile, api_key=api_key, host=host)
    try:
        async with serving(app) as url:
            yield PartnerHub(url, parts, broker)
    finally:
        await broker.close()


def token(user: str = "ann", *, key: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    """Sign what a partner's back end would."""
    return jwt.encode({"sub": user, "iat": int(time.time()), **claims}, key, algorithm=algorithm)


class Watcher(ClientEventHandler, SubscriptionEventHandler):
    """What a client has seen."""

    def __init__(self) -> None:
        self.publications: list[tuple[str, Any]] = []
        self.tags: list[Any] = []
        self.subscribed: list[str] = []
        self.data: list[Any] = []
        self.unsubscribed: list[int] = []
        self.disconnected: list[int] = []
        self.connecting: list[int] = []
        self.client = ""

    async def on_connected(self, context: Any) -> None:
        self.client = context.client

    async def on_publication(self, context: Any) -> None:
        self.publications.append((getattr(context, "channel", ""), context.pub.data))
        self.tags.append(context.pub.tags)

    async def on_subscribed(self, context: Any) -> None:
        self.subscribed.append(getattr(context, "channel", ""))
        self.data.append(context.data)

    async def on_unsubscribed(self, context: Any) -> None:
        self.unsubscribed.append(getattr(context, "code", 0))

    async def on_disconnected(self, context: Any) -> None:
        self.disconnected.append(context.code)

    async def on_connecting(self, context: Any) -> None:
        self.connecting.append(context.code)


@asynccontextmanager
async def client(
    hub: PartnerHub, user: str = "ann", seen: Watcher | None = None, **claims: Any
) -> AsyncIterator[Client]:
    """Connect somebody by the unmodified SDK."""

    async def get_token() -> str:
        return token(user, **claims)

    address = hub.url.replace("http", "ws") + "/connection/websocket"
    one = Client(address, events=seen or Watcher(), token=await get_token(), get_token=get_token)
    await one.connect()
    try:
        await one.ready(timeout=5)
        yield one
    finally:
        await one.disconnect()


async def follow(one: Client, channel: str, seen: Watcher, given: str = "") -> Any:
    """Follow a channel, by a token if one is given."""

    async def get_token(context: Any) -> str:
        return given

    subscription = one.new_subscription(channel, events=seen, get_token=get_token if given else None)
    await subscription.subscribe()
    await subscription.ready(timeout=5)
    return subscription
