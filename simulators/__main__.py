"""A fleet in a process of its own: `python -m simulators FLEET.json`; GATEHOUSE_CRASH_AT names a crash point."""

import asyncio
import logging
import os
import sys
from pathlib import Path

from simulators.fleet import run_fleet


def main() -> None:
    """Runs until interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    asyncio.run(run_fleet(Path(sys.argv[1]), crash_at=os.environ.get("GATEHOUSE_CRASH_AT", "")))


if __name__ == "__main__":
    main()
