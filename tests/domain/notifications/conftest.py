"""A reception on a database of its own."""

from collections.abc import AsyncIterator

import pytest

from domain import access, identity, kernel, notifications, sites
from domain.kernel.database import connect
from tests.house import House
from tests.reception import MORNING, Reception


@pytest.fixture
async def reception(database: str) -> AsyncIterator[Reception]:
    engine = connect(database)
    house = House(contexts=[kernel, sites, identity, access, notifications], engine=engine)
    house.clock.now = MORNING
    yield await Reception(house).open()
    await engine.dispose()
