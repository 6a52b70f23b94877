"""The description of the device protocol is valid AsyncAPI, and what the documentation shows is what it describes.

Proves: gate_bridge/wire/asyncapi.py
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from gate_bridge import wire
from gate_bridge.wire.asyncapi import MESSAGES, asyncapi, name_of
from tests.architecture.sources import ROOT
from tests.gate_bridge.test_devices_doc import EXAMPLES
from tests.served import Served, served_house
from tests.services.needs import missing

SPECIFICATION = ROOT / "tests/foreign_gate_javascript/node_modules/@asyncapi/specs/schemas/3.0.0.json"
EXAMPLES_BESIDE = Path(wire.__file__).parent / "examples.json"
DOCUMENT: dict[str, Any] = json.loads(
    msgspec.json.encode(asyncapi(version="1", broker="mqtts://gates.example:8883"))
)


def test_it_is_valid():
    if not SPECIFICATION.exists():
        missing("needs the packages of tests/foreign_gate_javascript: make install")
    specification = json.loads(SPECIFICATION.read_text())

    jsonschema.Draft7Validator(specification).validate(DOCUMENT)


def test_every_topic_is_a_channel_with_its_quality_of_service():
    told = {}
    for name, channel in DOCUMENT["channels"].items():
        operation = DOCUMENT["operations"][name]
        binding = operation["bindings"]["mqtt"]
        place, leg = re.fullmatch(r"gh/1/{site}/({gate}|_all)/(.+)", channel["address"]).groups()  # type: ignore[union-attr]  # it is one
        assert (place == "_all") == (leg in wire.FOR_ALL)
        told[leg] = (operation["action"], binding["qos"], binding.get("retain", leg in wire.RETAINED))

    assert told == {
        leg: ("send" if leg.startswith("up/") else "receive", qos, leg in wire.RETAINED)
        for leg, qos in wire.QOS.items()
    }


def test_every_kind_of_message_is_described_and_shown():
    assert set(MESSAGES) == set(wire.QOS)
    assert {"Birth", "Death", "Event", "Batch", "Desired"} <= set(DOCUMENT["components"]["messages"])
    for name, message in DOCUMENT["components"]["messages"].items():
        assert message["examples"], name


def test_every_reference_leads_somewhere():
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for word in reference.removeprefix("#/").split("/"):
            found = found[word]


def test_the_examples_are_those_of_the_documentation():
    beside = json.loads(EXAMPLES_BESIDE.read_text())

    assert [(leg, one) for leg, those in beside.items() for one in those] == sorted(
        ((leg, json.loads(text)) for leg, text in EXAMPLES), key=lambda one: list(beside).index(one[0])
    )


@pytest.mark.parametrize(("leg", "text"), EXAMPLES, ids=[leg for leg, _ in EXAMPLES])
def test_what_the_documentation_shows_is_what_is_described(leg: Any, text: str):
    messages = [DOCUMENT["components"]["messages"][name_of(leg, form)] for form in MESSAGES[leg]]
    schema = {"anyOf": [message["payload"]["schema"] for message in messages]}

    jsonschema.Draft202012Validator({**DOCUMENT, **schema}).validate(json.loads(text))


def test_a_pattern_ends_as_in_every_language():
    schemas = json.dumps(DOCUMENT["components"]["schemas"])

    assert '"pattern": "^[0-9a-f]{16}$"' in schemas and "\\\\Z" not in schemas


async def test_it_is_served_beside_the_description_of_http(database: str):
    async with served_house(database, device_protocol=DOCUMENT) as served:
        assert await shown(served, "/asyncapi.json") == await shown(served, "/api/asyncapi.json") == DOCUMENT


async def shown(served: Served, path: str) -> Any:
    return (await served.http.get(path)).json()


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for one in part:
            yield from references(one)
