"""A fleet file is read as it is meant, or its fault is named."""

from pathlib import Path

import pytest

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
