"""A served house for the tests of the server."""

from collections.abc import AsyncIterator

import pytest

from tests.court import Court, courting
from tests.served import Served, served_house


@pytest.fixture
async def served(database: str) -> AsyncIterator[Served]:
    """A house of this test alone."""
    async with served_house(database) as one:
        yield one


@pytest.fixture
async def court(database: str) -> AsyncIterator[Court]:
    """A small process of this test alone."""
    async with courting(database) as one:
        yield one
