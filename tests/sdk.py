"""An unmodified client SDK at the socket of a served house, and what it has seen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from centrifuge import Client, ClientEventHandler, SubscriptionEventHandler


class Addressed(Protocol):
    """A house that is served somewhere."""

    @property
    def url(self) -> str:
        """Where HTTP is."""


class Seen(ClientEventHandler, SubscriptionEventHandler):
    """What a client has seen."""

    def __init__(self) -> None:
        self.views: list[Any] = []
        self.ends: list[int] = []
        self.reconnects: list[int] = []
        self.refusals: list[int] = []

    async def on_subscribed(self, context: Any) -> None:
        # The same handler hears of server-side subscriptions, which carry no data here.
        self.views.append(context.data)

    async def on_publication(self, context: Any) -> None:
        self.views.append(context.pub.data)

    async def on_disconnected(self, context: Any) -> None:
        self.ends.append(context.code)

    async def on_connecting(self, context: Any) -> None:
        self.reconnects.append(context.code)

    async def on_unsubscribed(self, context: Any) -> None:
        self.refusals.append(context.code)

    @property
    def items(self) -> dict[str, Any]:
        """What a reader of the views has on the screen."""
        screen: dict[str, Any] = {}
        for view in self.views:
            for item in (view or {}).get("items", ()):
                if item["key"] not in screen or screen[item["key"]]["version"] <= item["version"]:
                    screen[item["key"]] = item
        return {key: item["data"] for key, item in screen.items() if not item.get("gone")}


@asynccontextmanager
async def connected(served: Addressed, headers: dict[str, str], seen: Seen) -> AsyncIterator[Client]:
    token = headers["Authorization"].removeprefix("Bearer ")

    async def get_token() -> str:
        return token

    address = served.url.replace("http", "ws") + "/connection/websocket"
    client = Client(address, events=seen, token=token, get_token=get_token)
    await client.connect()
    try:
        await client.ready(timeout=5)
        yield client
    finally:
        await client.disconnect()
