"""A furnished site that the tests of a module share, for what leaves nothing behind."""

from collections.abc import AsyncIterator

import pytest

from gatehouse.embedded.postgres import Postgres
from tests.premises import Premises, furnished


@pytest.fixture(scope="module")
async def premises_shared(
    request: pytest.FixtureRequest, postgres: Postgres, template: str
) -> AsyncIterator[Premises]:
    """A furnished site on a database of this module alone."""
    name = request.module.__name__.rpartition(".")[2] + "_shared"
    await postgres.make_database(name, template=template)
    async with furnished(postgres.url_of(name)) as site:
        yield site
    await postgres.drop_database(name)
