"""A broker for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.private_broker import BINARY, PrivateBroker


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[PrivateBroker]:
    if BINARY is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    broker = PrivateBroker(tmp_path)
    await broker.start()
    yield broker
    broker.kill()
