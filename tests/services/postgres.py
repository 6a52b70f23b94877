"""PostgreSQL for tests: one private cluster per worker, a database per test, or a cluster of a test's own."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gatehouse.embedded.installation import PostgresMissing
from gatehouse.embedded.postgres import DATABASE, Postgres
from tests.services.needs import missing
from tests.services.schema import migrate

# Killed processes lose nothing by this: only a machine that loses power does.
FAST = {"fsync": "off", "full_page_writes": "off"}
TEMPLATE = "gatehouse_template"

_numbers = itertools.count(1)


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Postgres]:
    """Serve a cluster in this folder, or end the test with what is missing."""
    try:
        async with Postgres.start(folder, settings=FAST) as server:
            yield server
    except PostgresMissing as problem:
        missing(str(problem))


@pytest.fixture(scope="session")
async def postgres(services_folder: Path) -> AsyncIterator[Postgres]:
    """The cluster that the tests of this worker share. Not to be killed."""
    async with started(services_folder / "postgres") as server:
        yield server


@pytest.fixture(scope="session")
async def template(postgres: Postgres) -> str:
    """The name of a migrated database that nobody connects to, to copy from."""
    await postgres.make_database(TEMPLATE)
    await migrate(postgres.url_of(TEMPLATE))
    return TEMPLATE


@pytest.fixture
async def database(postgres: Postgres, template: str) -> AsyncIterator[str]:
    """The SQLAlchemy URL of a migrated database of this test alone."""
    name = f"test_{next(_numbers)}"
    await postgres.make_database(name, template=template)
    yield postgres.url_of(name)
    await postgres.drop_database(name)


@pytest.fixture
async def empty_database(postgres: Postgres) -> AsyncIterator[str]:
    """The SQLAlchemy URL of a database without tables."""
    name = f"test_{next(_numbers)}"
    await postgres.make_database(name)
    yield postgres.url_of(name)
    await postgres.drop_database(name)


@pytest.fixture
async def own_postgres(own_folder: Path) -> AsyncIterator[Postgres]:
    """A cluster of this test alone, which it may kill, with a migrated database at `url`."""
    async with started(own_folder) as server:
        await migrate(server.url_of(DATABASE))
        yield server
