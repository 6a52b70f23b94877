"""Run one benchmark, or all of them: `python -m bench [name ...]`."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from bench import codecs, evidence, gates, occupancy
from bench.fanout import run as fanout

BENCHMARKS: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
    "codecs": codecs.run,
    "gates": gates.run,
    "occupancy": occupancy.run,
    "evidence": evidence.run,
    "fanout": fanout.run,
    "idle": fanout.idle,
}


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        sys.exit(f"there is no benchmark {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    for name in names:
        asyncio.run(BENCHMARKS[name]())


if __name__ == "__main__":
    main()
