"""One hub for all tests of this folder; they use channels and users of their own."""

from collections.abc import AsyncIterator

import pytest

from tests.sdk_hub import SdkHub, sdk_hub


@pytest.fixture(scope="package")
async def hub() -> AsyncIterator[SdkHub]:
    async with sdk_hub() as served:
        yield served


@pytest.fixture(params=[False, True], ids=["json", "protobuf"])
def protobuf(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)
