"""Unmodified clients of centrifuge-python, and what they have told."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from centrifuge import Client, ClientEventHandler, SubscriptionEventHandler

from tests.eventually import eventually
from tests.sdk_hub import SdkHub, token, unique


class Diary(ClientEventHandler, SubscriptionEventHandler):
    """Writes down what a client or a subscription tells, in its order, as (event, context)."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, Any]] = []

    def of(self, event: str) -> list[Any]:
        return [context for name, context in self.entries if name == event]

    async def next(self, event: str, number: int = 1) -> Any:
        """Wait for the event to happen for the n-th time, and return its context."""
        await eventually(lambda: len(self.of(event)) >= number)
        return self.of(event)[number - 1]

    @property
    def data(self) -> list[Any]:
        """The payloads read so far."""
        return [read(context.pub.data) for context in self.of("publication")]


def _keep(event: str) -> Any:
    async def keep(self: Diary, context: Any) -> None:
        self.entries.append((event, context))

    return keep


for _event in (
    "connecting", "connected", "disconnected", "subscribing", "subscribed", "unsubscribed", "publication", "join",
    "leave", "error",
):  # fmt: skip
    setattr(Diary, f"on_{_event}", _keep(_event))


def read(data: Any) -> Any:
    """Return a payload, which is bytes to a client of Protobuf and read to one of JSON."""
    return json.loads(data) if isinstance(data, bytes) else data


def written(data: Any, protobuf: bool) -> Any:
    """Return a payload as the client takes it."""
    return json.dumps(data).encode() if protobuf else data


@asynccontextmanager
async def connected(hub: SdkHub, *, user: str = "", **options: Any) -> AsyncIterator[tuple[Client, Diary]]:
    """Connect somebody until the block ends."""
    diary = Diary()
    options.setdefault("token", token(user or unique()))
    client = Client(hub.socket_url, events=diary, proxy=None, **options)
    await client.connect()
    try:
        await diary.next("connected")
        yield client, diary
    finally:
        await client.disconnect()


@asynccontextmanager
async def away(client: Client) -> AsyncIterator[None]:
    """Let the client be away during the block, and come back after it."""
    await client.disconnect()
    yield
    await client.connect()


async def follow(client: Client, channel: str, **options: Any) -> tuple[Any, Diary]:
    """Subscribe and wait until it stands."""
    diary = Diary()
    subscription = client.new_subscription(channel, events=diary, **options)
    await subscription.subscribe()
    await diary.next("subscribed")
    return subscription, diary
