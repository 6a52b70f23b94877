"""As whom PostgreSQL runs: it refuses to be root.

1. Started by an ordinary user: as that user.
2. Started by root on a cluster that belongs to someone: as its owner.
3. Started by root, where user namespaces work: as root's own files, seen under another number. Nothing changes
   owner and no directory needs to be opened to others.
4. Else: as the account `postgres` or `nobody`, to which cluster and sockets then belong.
"""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

OVERFLOW_ID = 65534


class Unreachable(PermissionError):
    """The account PostgreSQL has to run as cannot get to its files."""


@dataclass(frozen=True, slots=True)
class Privileges:
    """What a command line starts with, and the account it is started under."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None


def choose(cluster: Path) -> Privileges:
    """Return as whom to run the cluster; see the module's list."""
    if os.geteuid() != 0:
        return Privileges()
    if cluster.exists() and cluster.stat().st_uid != 0:
        found = cluster.stat()
        return Privileges((), found.st_uid, found.st_gid)
    return in_namespace() or as_account()


def in_namespace() -> Privileges | None:
    """Return the way through a user namespace, or None where the system does not let us."""
    program = shutil.which("unshare")
    if program is None:
        return None
    # initdb wants the number to have a name.
    number = min((entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid > 0), default=OVERFLOW_ID)
    prefix = (program, "--user", f"--map-user={number}", f"--map-group={number}", "--")
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return Privileges(prefix)


def as_account() -> Privileges:
    """Return the account of the system that databases, or nobodies, run as."""
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Privileges((), entry.pw_uid, entry.pw_gid)
    raise Unreachable("PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody' here")


def may_enter(directory: Path, user: int, group: int) -> bool:
    """Tell whether that account may pass through a directory and everything above it."""
    for place in (directory, *directory.parents):
        found = place.stat()
        if found.st_uid == user:
            bit = stat.S_IXUSR
        elif found.st_gid == group:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not found.st_mode & bit:
            return False
    return True


def readable_copy(folder: Path, into: Path, privileges: Privileges) -> Path:
    """Return a folder of programs that the account can run: the given one, or a copy where it cannot get there."""
    if privileges.user is None or may_enter(folder, privileges.user, privileges.group or 0):
        return folder
    into.mkdir(parents=True, exist_ok=True)
    require_entry(into, privileges)
    target = into / folder.parent.name / folder.name
    if not target.exists():
        # The wheel's programs find the libraries beside it by a relative path.
        libraries = f"{folder.parent.name}.libs"
        if (folder.parent.parent / libraries).exists():
            shutil.copytree(folder.parent.parent / libraries, into / libraries, dirs_exist_ok=True)
        unfinished = target.with_name(f"{target.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(folder, unfinished, symlinks=True)
        unfinished.replace(target)
    return target


def require_entry(directory: Path, privileges: Privileges) -> None:
    """Refuse, with what to do, when the account cannot reach its files.

    Raises: Unreachable.
    """
    user = privileges.user
    if user is None or may_enter(directory, user, privileges.group or 0):
        return
    raise Unreachable(
        f"PostgreSQL does not run as root, and the account {_name(user)} may not enter {directory}. "
        "Set GATEHOUSE_DATA to a directory that others may enter, or start Gatehouse as an ordinary user."
    )


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
