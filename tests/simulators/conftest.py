"""A broker for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.private_broker import PrivateBroker


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[PrivateBroker]:
    broker = PrivateBroker(tmp_path)
    await broker.start()
    yield broker
    broker.kill()
