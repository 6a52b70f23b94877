"""A furnished site for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.premises import Gate, Premises, furnished


@pytest.fixture
async def premises(database: str) -> AsyncIterator[Premises]:
    """A furnished site on a database of its own."""
    async with furnished(database) as site:
        yield site


@pytest.fixture
def entrance(premises: Premises) -> Gate:
    """The gate from the street into the hall."""
    return Gate(premises, premises.ids["entrance"])


@pytest.fixture
def door(premises: Premises) -> Gate:
    """The gate from the hall into the office."""
    return Gate(premises, premises.ids["door"])
