"""A database that the examples of one law share."""

from collections.abc import AsyncIterator

import pytest

from tests.services.postgres import Postgres


@pytest.fixture(scope="module")
async def module_database(postgres: Postgres, template: str) -> AsyncIterator[str]:
    """The URL of a migrated database of this module alone."""
    await postgres.make_database("laws", template=template)
    yield postgres.url_of("laws")
    await postgres.drop_database("laws")
