"""Empties the data directory, unless something still serves from it."""

import contextlib
import shutil
import sys
from pathlib import Path

from gatehouse.embedded.lock import DataInUse, held

# What Gatehouse keeps in its data directory. Whatever else lies there was put there by someone else.
OURS = ("fleet", "files", "keys", "log", "mail", "mosquitto", "pg", "pg.new", "run", "secrets")
LOCKS = ("up.lock", "pg.lock", "mosquitto.lock", "redis.lock")


def empty(data: Path) -> list[Path]:
    """Remove all that Gatehouse keeps there, and return what else there is.

    Raises: DataInUse.
    """
    if not data.exists():
        return []
    with contextlib.ExitStack() as locks:
        for name in LOCKS:
            locks.enter_context(held(data / "run" / name))
        # The locks' own folder last: until then nobody else can start.
        for name in sorted(OURS, key=lambda one: one == "run"):
            shutil.rmtree(data / name, ignore_errors=True)
    return sorted(data.iterdir())


def main() -> int:
    """Empty the directory that the settings name, and say what was done."""
    from gatehouse.settings import BadSetting, data_directory

    try:
        data = data_directory()
        rest = empty(data)
    except (DataInUse, BadSetting) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(
        f"{data} is empty" if not rest else f"{data} is empty but for {', '.join(one.name for one in rest)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
