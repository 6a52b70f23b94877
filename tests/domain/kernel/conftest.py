"""A database with the tables of the kernel and of the toy, emptied for each test, and a runtime on it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel import tables
from domain.kernel.database import Sessions, Table, connect, sessions
from gatehouse.embedded.postgres import Postgres
from tests.toy import Toy, ToyTable

NAME = "toy"


@pytest.fixture(scope="session")
async def toy_url(postgres: Postgres, template: str) -> str:
    """The URL of a database that the tests of this folder share."""
    await postgres.make_database(NAME, template=template)
    engine = connect(postgres.url_of(NAME))
    async with engine.begin() as connection:
        await connection.run_sync(ToyTable.metadata.create_all)
    await engine.dispose()
    return postgres.url_of(NAME)


@pytest.fixture
async def engine(toy_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine of this test alone, on empty tables."""
    engine = connect(toy_url)
    kernels = [Table.metadata.tables[vars(tables)[name].__tablename__] for name in tables.__all__]
    emptied = ", ".join(str(one) for one in [*kernels, *ToyTable.metadata.sorted_tables])
    async with engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {emptied} RESTART IDENTITY CASCADE"))
    yield engine
    await engine.dispose()


@pytest.fixture
def writers(engine: AsyncEngine) -> Sessions:
    return sessions(engine)


@pytest.fixture
def toy(engine: AsyncEngine) -> Toy:
    return Toy(engine)
