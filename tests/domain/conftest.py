"""The business on a database of a test's own."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain import identity, kernel, sites
from domain.kernel.database import connect
from tests.house import House


@pytest.fixture
async def house_engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = connect(database)
    yield engine
    await engine.dispose()


@pytest.fixture
def house(house_engine: AsyncEngine) -> House:
    """The kernel, sites and identity."""
    return House(contexts=[kernel, sites, identity], engine=house_engine)
