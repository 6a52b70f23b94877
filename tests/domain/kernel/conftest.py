"""A database with the tables of the kernel and of the toy, and a runtime on them."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.database import Sessions, connect, sessions
from tests.toy import Toy, ToyTable


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = connect(database)
    async with engine.begin() as connection:
        await connection.run_sync(ToyTable.metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
def writers(engine: AsyncEngine) -> Sessions:
    return sessions(engine)


@pytest.fixture
def toy(engine: AsyncEngine) -> Toy:
    return Toy(engine)
