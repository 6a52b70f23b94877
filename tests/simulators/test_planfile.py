"""A fleet file that changes is read anew; one that is broken changes nothing."""

import asyncio
from pathlib import Path

import pytest

from simulators.plan import PlanUnreadable
from simulators.planfile import PlanFile
from tests.eventually import eventually


async def test_a_changed_file_is_noticed_and_a_broken_one_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "fleet.json"
    path.write_text('{"broker":"mqtt://one","gates":[]}')
    file = PlanFile(path)
    changed = asyncio.create_task(file.changed())

    path.write_text("{")
    await eventually(lambda: "the fleet goes on as before" in caplog.text)
    assert file.plan.broker == "mqtt://one"
    path.write_text('{"broker":"mqtt://two","gates":[]}')
    await asyncio.wait_for(changed, 5)

    assert file.plan.broker == "mqtt://two"


def test_without_a_plan_there_is_nothing_to_begin_with(tmp_path: Path):
    with pytest.raises(PlanUnreadable):
        PlanFile(tmp_path / "fleet.json")
