"""A database that the examples of one law share."""

from collections.abc import AsyncIterator

import pytest

from gatehouse.embedded.postgres import Postgres


@pytest.fixture(scope="module")
async def module_database(
    request: pytest.FixtureRequest, postgres: Postgres, template: str
) -> AsyncIterator[str]:
    """The URL of a migrated database of this module alone."""
    name = request.module.__name__.rpartition(".")[2]
    await postgres.make_database(name, template=template)
    yield postgres.url_of(name)
    await postgres.drop_database(name)
