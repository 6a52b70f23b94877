"""Run one benchmark, or all of them: `python -m bench [name ...]`."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from bench import codecs, evidence, fleet, occupancy, revocation
from bench.fanout import run as fanout
from bench.gates import run as gates

Benchmark = Callable[[], Coroutine[Any, Any, None]]
BENCHMARKS: dict[str, Benchmark] = {
    "codecs": codecs.run,
    "gates": gates.ALL,
    "revocation": revocation.run,
    "occupancy": occupancy.run,
    "evidence": evidence.run,
    "fleet": fleet.run,
    "fanout": fanout.run,
    "idle": fanout.idle,
}
BY_NAME_ONLY: dict[str, Benchmark] = {"backlog": gates.BACKLOG, **gates.EACH}


def main() -> None:
    known = BENCHMARKS | BY_NAME_ONLY
    names = sys.argv[1:] or list(BENCHMARKS)
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"there is no benchmark {unknown[0]}; there are {', '.join(known)}")
    for name in names:
        asyncio.run(known[name]())


if __name__ == "__main__":
    main()
