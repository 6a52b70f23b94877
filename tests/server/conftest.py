"""A served house for the tests of the server."""

from collections.abc import AsyncIterator

import pytest

from tests.served import Served, served_house


@pytest.fixture
async def served(database: str) -> AsyncIterator[Served]:
    """A house of this test alone."""
    async with served_house(database) as one:
        yield one
