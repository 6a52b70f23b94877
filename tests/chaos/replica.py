"""A second PostgreSQL that has everything the first one has confirmed, and takes its place."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from gatehouse.embedded.postgres import DATABASE, PORT, USER, Postgres
from tests.eventually import eventually
from tests.services.postgres import FAST


class Replica(Postgres):
    """Follows its primary until promoted."""

    def _pid_file(self) -> list[str]:
        # A standby that answers questions says so in another word.
        return [line.replace("standby", "ready") for line in super()._pid_file()]

    async def make_database(self, database: str, template: str | None = None) -> None:
        """It has what its primary has."""


@asynccontextmanager
async def replicated(primary: Postgres, folder: Path) -> AsyncIterator[Replica]:
    """Have a quiet primary followed by a replica; from then on it confirms only what the replica has, too."""
    await _copy(primary, folder / "pg")
    follow = f"host={primary.sockets} port={PORT} user={USER}"
    async with Replica.start(folder, settings={**FAST, "primary_conninfo": follow}) as replica:
        assert isinstance(replica, Replica)
        await primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await primary.execute("SELECT pg_reload_conf()")
        await eventually(lambda: _is_followed(primary))
        yield replica


async def promoted(replica: Replica) -> None:
    """Make it the primary."""
    await replica.execute("SELECT pg_promote(true, 30)")


def point(link: Path, server: Postgres) -> None:
    """Have whoever connects through this folder find another server from now on."""
    draft = link.with_suffix(".new")
    draft.symlink_to(server.sockets)
    draft.replace(link)


def url_through(link: Path) -> str:
    """Return the URL of the database of whichever server the folder leads to."""
    return f"postgresql+asyncpg://{USER}@/{DATABASE}?host={link}&port={PORT}"


async def _copy(primary: Postgres, cluster: Path) -> None:
    """Take a base backup as the documentation describes it; not every distribution has pg_basebackup."""
    connection = await asyncpg.connect(host=str(primary.sockets), port=PORT, user=USER, database="postgres")
    try:
        await connection.execute("SELECT pg_backup_start('replica', true)")
        shutil.copytree(primary.cluster, cluster, ignore=shutil.ignore_patterns("postmaster.*"))
        label = await connection.fetchval("SELECT labelfile FROM pg_backup_stop(false)")
    finally:
        await connection.close()
    (cluster / "backup_label").write_text(label)
    (cluster / "standby.signal").touch()
    owner = primary.cluster.stat()
    cluster.chmod(0o700)
    for path in (cluster, *cluster.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


async def _is_followed(primary: Postgres) -> bool:
    connection = await asyncpg.connect(host=str(primary.sockets), port=PORT, user=USER, database="postgres")
    try:
        state = await connection.fetchval("SELECT sync_state FROM pg_stat_replication")
    finally:
        await connection.close()
    return bool(state == "sync")
