"""A fleet file is read as it is meant, or its fault is named.

Proves: simulators/plan.py, simulators/address.py
"""

from pathlib import Path

import pytest

from domain.access.rules import token
from simulators.plan import GatePlan, PlanUnreadable, Zone, load


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "fleet.json"
    path.write_text(text)
    return path


def test_a_small_file_is_enough(tmp_path: Path):
    plan = load(
        written(
            tmp_path,
            '{"broker":"mqtt://h:1","gates":[{"gateId":1,"siteId":2,"username":"1","password":"p","topicRoot":"gh/1/2/1",'
            '"toZone":{"zoneId":3,"ordinal":0}}]}',
        )
    )

    assert plan.gate(1) == GatePlan(
        gate_id=1, site_id=2, username="1", password="p", to_zone=Zone(zone_id=3, ordinal=0)
    )
    assert plan.gate(2) is None


KEY = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


@pytest.mark.parametrize(
    "url", ["mqtt://h", "mqtt://h:1", "mqtts://broker.example.com:8883", "mqtt://[::1]:1883"]
)
def test_a_broker_and_its_keys_are_read(tmp_path: Path, url: str):
    plan = load(written(tmp_path, f'{{"broker":"{url}","gates":[],"publicKeys":{{"7":"{KEY}"}}}}'))

    assert plan.broker == url
    assert [(key_id, token.public_key_text(key)) for key_id, key in plan.keys.items()] == [(7, KEY)]


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ('"broker":"h:1883"', "begin with mqtt:// or mqtts:// - at `$.broker`"),
        ('"broker":"http://h:1883"', "begin with mqtt:// or mqtts:// - at `$.broker`"),
        ('"broker":"mqtt://h:99999"', "port from 1 to 65535"),
        ('"broker":"mqtt://h:0"', "port from 1 to 65535 - at `$.broker`"),
        ('"broker":"mqtt://h:port"', "- at `$.broker`"),
        ('"broker":"mqtt://[::1"', "- at `$.broker`"),
        ('"broker":"mqtt://:1883"', "must name a host - at `$.broker`"),
        ('"broker":"mqtt://a b"', "must name a host - at `$.broker`"),
        ('"broker":"mqtt://h","publicKeys":{"x":"AAAA"}', "whole number - at `$.publicKeys.x`"),
        (
            '"broker":"mqtt://h","publicKeys":{"7":"AAAA"}',
            "no Ed25519 key as base64url - at `$.publicKeys.7`",
        ),
        (
            '"broker":"mqtt://h","publicKeys":{"7":"ключ"}',
            "no Ed25519 key as base64url - at `$.publicKeys.7`",
        ),
    ],
)
def test_a_broker_or_a_key_that_no_gate_could_use_is_refused_by_its_place(
    tmp_path: Path, members: str, place: str
):
    with pytest.raises(PlanUnreadable) as refused:
        load(written(tmp_path, f'{{{members},"gates":[]}}'))

    assert place in str(refused.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "truncated"),
        ("[]", "Expected `object`"),
        ('{"broker":"x"}', "`gates`"),
        ('{"broker":"x","gates":[{"gateId":"1"}]}', r"\$.gates\[0\].gateId"),
    ],
)
def test_a_file_that_tells_of_no_fleet_names_its_fault(tmp_path: Path, text: str, fault: str):
    with pytest.raises(PlanUnreadable, match=fault):
        load(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(PlanUnreadable, match="nowhere"):
        load(tmp_path / "nowhere.json")
