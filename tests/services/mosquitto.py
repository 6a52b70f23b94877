"""Mosquitto for tests: one per worker, or one of a test's own; with accounts by the dynamic security plugin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gatehouse.embedded.accounts import Account
from gatehouse.embedded.broker import Broker, dynamic_security_plugin, mosquitto_program
from tests.services.needs import missing

HOUSE = Account(
    username="svc-house",
    password="password-of-the-house",
    publish=("gh/1/#",),
    subscribe=("gh/1/#",),
    manages_accounts=True,
)


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Broker]:
    """Serve in this folder, or end the test with what is missing."""
    if mosquitto_program() is None or dynamic_security_plugin() is None:
        missing("needs Mosquitto with its dynamic security plugin: apt-get install mosquitto")
    async with Broker.start(folder, accounts=[HOUSE], kind="mosquitto") as server:
        yield server


@pytest.fixture(scope="session")
async def mosquitto(services_folder: Path) -> AsyncIterator[Broker]:
    """The broker that the tests of this worker share; `HOUSE` may do everything there. Not to be killed."""
    async with started(services_folder / "broker") as server:
        yield server


@pytest.fixture
async def own_mosquitto(own_folder: Path) -> AsyncIterator[Broker]:
    """A broker of this test alone, which it may kill."""
    async with started(own_folder) as server:
        yield server
