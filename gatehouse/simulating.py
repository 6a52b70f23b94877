"""The commands that play outsiders: they know a fleet file and the wire, and start fast since they load no server."""

import sys
from pathlib import Path
from typing import Literal

from domain.access.rules.credentials import Method
from gatehouse.settings import Settings
from gatehouse.told import until_told
from simulators.control import NoFleet, NotPresented, present
from simulators.fleet import present_alone
from simulators.plan import PlanUnreadable, load
from simulators.presented import Presented
from simulators.running import run_fleet

FLEET_FILE = Path("fleet") / "fleet.json"
"""Where in the data directory `gatehouse up` keeps its fleet."""
WHERE_TO_LOOK = (
    "Start them by `gatehouse up`, or name its data directory by GATEHOUSE_DATA, or a fleet file by --fleet."
)


async def scan(
    settings: Settings,
    gate: int,
    token: str,
    direction: Literal["in", "out"],
    path: Path | None,
    *,
    method: Method = "qr",
) -> int:
    """Show a pass at a gate, tell what came of it, and return the exit code: 0 where the gate opened."""
    file = path or settings.gatehouse_data / FLEET_FILE
    if path is None and not file.exists():
        print(
            f"gatehouse: there are no turnstiles in {settings.gatehouse_data}. {WHERE_TO_LOOK}",
            file=sys.stderr,
        )
        return 2
    try:
        shown = await _shown(file, gate, token, direction, method)
    except (PlanUnreadable, NotPresented) as problem:
        print(f"gatehouse: {problem}", file=sys.stderr)
        return 2
    print(_told(gate, shown))
    return 0 if shown.verdict == "admit" else 1


async def fleet(path: Path) -> None:
    """Run a fleet."""
    try:
        await until_told(run_fleet(path))
    except PlanUnreadable as problem:
        sys.exit(f"gatehouse: {problem}")


async def _shown(
    file: Path, gate: int, token: str, direction: Literal["in", "out"], method: Method
) -> Presented:
    try:
        return await present(file.parent / load(file).control, gate, token, direction, method=method)
    except NoFleet:
        return await present_alone(file, gate, token, direction, method=method)


def _told(gate: int, shown: Presented) -> str:
    if shown.verdict == "deny":
        return f"Gate {gate} stays closed: {shown.reason}. {shown.text} {shown.action}"
    walked = "and somebody walked through" if shown.passed else "but nobody walked through"
    return f"Gate {gate} opened (decided {shown.source}) {walked}."
