"""What docs/partners.md tells back ends is what a hub does: its file, its tokens, its lines and its programs.

Proves: docs/partners.md
"""

import asyncio
import json
import re
import shlex
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from channels.memory import MemoryBroker
from channels.namespaces import Namespaces, Options
from tests.eventually import eventually
from tests.partner_hub import API_KEY, SECRET, PartnerHub, partner_hub

DOCUMENT = (Path(__file__).parents[3] / "docs" / "partners.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = {about or language: text for language, about, text in FENCE.findall(DOCUMENT)}
CURLS = [
    line for _, _, text in FENCE.findall(DOCUMENT) for line in text.splitlines() if line.startswith("curl")
]


def program(*names: str, **given: Any) -> dict[str, Any]:
    """Run programs of the document one after the other and return what they have defined."""
    defined: dict[str, Any] = dict(given)
    for name in names:
        exec(compile(BLOCKS[name], f"partners.md: {name}", "exec"), defined)
    return defined


@pytest.fixture
async def hub() -> AsyncIterator[PartnerHub]:
    async with partner_hub(MemoryBroker(), tomllib.loads(BLOCKS["hub.toml"])) as one:
        yield one


async def test_its_programs_run(hub: PartnerHub, capsys: pytest.CaptureFixture[str]):
    defined = program("tokens", "connect", "cent", SECRET=SECRET)
    client, board = await defined["follow"](hub.url.replace("http", "ws"))
    try:
        await board.ready(timeout=5)
        stats = await defined["tell"](hub.url, API_KEY)
        assert stats.num_clients == 0
        await eventually(lambda: "{'free': 2}" in capsys.readouterr().out)
    finally:
        await client.disconnect()


async def test_its_lines_for_curl_work(hub: PartnerHub):
    assert CURLS
    for line in CURLS:
        words = [word.replace("$URL", hub.url).replace("$KEY", API_KEY) for word in shlex.split(line)]
        asking = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
        out, _ = await asking.communicate()
        answer = json.loads(out)
        assert "result" in answer, (line, answer)
        if "publish" in line:
            assert answer.keys() == (said := json.loads(BLOCKS["answer"])).keys()
            assert answer["result"].keys() == said["result"].keys()


def test_every_option_is_told():
    told = set(re.findall(r"`(\w+)`", DOCUMENT.partition("| option |")[2].partition("Beside `default`")[0]))
    families = ("allow_publish_for_", "allow_presence_for_", "allow_history_for_")
    for name in Options.__struct_fields__:
        if name.endswith("_for_anonymous"):
            assert "`allow_…_for_anonymous`" in DOCUMENT
        elif name.startswith(families):
            assert f"`{name.rpartition('_')[0]}_…`" in DOCUMENT
        else:
            assert name in told, name
    for name in Namespaces.__struct_fields__:
        assert name in DOCUMENT or name == "insecure"


async def test_every_method_is_told(hub: PartnerHub):
    served = {str(getattr(route, "path", "")).rpartition("/")[2] for route in hub.parts.routes}
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", DOCUMENT, re.MULTILINE))))
    assert served and served <= told
