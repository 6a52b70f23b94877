"""What the tests of brokers share: a listener that remembers, and every kind of broker under one name."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from channels.broker import Broker, Patience
from channels.memory import MemoryBroker
from channels.redis import RedisBroker
from channels.stream import Delivery, Publication


class Recorder:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[str, Delivery]] = []
        self.misses = 0
        self.doubted: set[str] = set()

    def deliver(self, channel: str, delivery: Delivery) -> None:
        self.deliveries.append((channel, delivery))

    def missed(self, channels: Collection[str] | None = None) -> None:
        self.misses += 1
        self.doubted.update(channels or ())

    def heard(self, channel: str, expected: list[bytes]) -> bool:
        return self.data(channel) == expected

    def data(self, channel: str) -> list[bytes]:
        return [d.data for c, d in self.deliveries if c == channel and isinstance(d, Publication)]


@asynccontextmanager
async def running(broker: Broker) -> AsyncIterator[Recorder]:
    recorder = Recorder()
    broker.attach(recorder)
    task = asyncio.create_task(broker.run())
    try:
        yield recorder
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await broker.close()


SERVERS = {"redis": "server", "cluster": "cluster"}


class Flushed(Protocol):
    """What the tests need of Redis, alone or as a cluster."""

    @property
    def url(self) -> str:
        """Where it is."""

    def flush(self) -> None:
        """Empty it."""


@pytest.fixture
def patience() -> Patience:
    return Patience()


@pytest.fixture(params=["memory", "redis", "cluster"])
def broker(request: pytest.FixtureRequest, patience: Patience) -> Broker:
    if request.param == "memory":
        return MemoryBroker(patience)
    server: Flushed = request.getfixturevalue(f"redis_{SERVERS[request.param]}")
    return RedisBroker(server.url, prefix=uuid.uuid4().hex, patience=patience)


@pytest.fixture
def flush(broker: Broker, request: pytest.FixtureRequest) -> Callable[[], None]:
    if isinstance(broker, MemoryBroker):
        return broker.flush
    kind = request.node.callspec.params["broker"]
    server: Flushed = request.getfixturevalue(f"redis_{SERVERS[kind]}")
    return server.flush


@pytest.fixture
async def heard(broker: Broker) -> AsyncIterator[Recorder]:
    async with running(broker) as recorder:
        yield recorder
