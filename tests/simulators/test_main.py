"""A fleet runs in a process of its own and ends when interrupted.

Proves: simulators/__main__.py
"""

import asyncio
import signal
import sys
from pathlib import Path

from tests.eventually import eventually
from tests.private_broker import PrivateBroker


async def test_a_fleet_process_opens_its_door_and_ends_on_interrupt(broker: PrivateBroker, tmp_path: Path):
    (tmp_path / "fleet.json").write_text(f'{{"broker":"{broker.url}","gates":[]}}')
    fleet = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators", str(tmp_path / "fleet.json")
    )
    await eventually((tmp_path / "fleet.sock").exists, 20)

    fleet.send_signal(signal.SIGINT)

    assert await asyncio.wait_for(fleet.wait(), 5) == 0
    assert not (tmp_path / "fleet.sock").exists()
