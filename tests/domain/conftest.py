"""The business on a database that the tests of a worker share, emptied before each."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain import identity, kernel, sites
from domain.kernel.database import Table, connect
from gatehouse.embedded.postgres import Postgres
from tests.house import House

# To empty a few tables takes a tenth of the time that a fresh database does.
SHARED = "house"


@pytest.fixture(scope="session")
async def shared_engine(postgres: Postgres, template: str) -> AsyncIterator[AsyncEngine]:
    await postgres.make_database(SHARED, template=template)
    engine = connect(postgres.url_of(SHARED))
    yield engine
    await engine.dispose()


@pytest.fixture
async def house(shared_engine: AsyncEngine) -> House:
    """The kernel, sites and identity, with nobody in it."""
    async with shared_engine.begin() as connection:
        # Spares the order in which rows refer to each other.
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in Table.metadata.sorted_tables:
            await connection.execute(table.delete())
    return House(contexts=[kernel, sites, identity], engine=shared_engine)
