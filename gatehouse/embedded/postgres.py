"""PostgreSQL as a child process on a Unix socket, whoever starts it."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from gatehouse.embedded import installation, privileges
from gatehouse.embedded.address import socket_directory
from gatehouse.embedded.child import Child, Command, run
from gatehouse.embedded.lock import held
from gatehouse.embedded.service import Service

USER = "gatehouse"
DATABASE = "gatehouse"
PORT = 5432  # only the socket file's name: nothing listens on TCP
SOCKET_NAME = f".s.PGSQL.{PORT}"
INITDB_DEADLINE_S = 60
START_DEADLINE_S = 120  # replaying the log after a crash may take a while

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres(Service):
    """One cluster in `<data>/pg`, its socket in `<data>/run/pg` or a shorter place."""

    name = "PostgreSQL"

    def __init__(
        self,
        data: Path,
        programs: installation.Installation,
        runs_as: privileges.Privileges,
        settings: Mapping[str, str],
    ) -> None:
        super().__init__()
        self.data = data
        self.cluster = data / "pg"
        self.version = programs.major
        self.sockets = socket_directory(data / "run" / "pg", SOCKET_NAME, runs_as.user)
        self._programs = privileges.readable_copy(programs.root, data / "run" / "programs", runs_as) / "bin"
        self._runs_as = runs_as
        self._settings = {**SETTINGS, **settings}

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        data: Path,
        *,
        settings: Mapping[str, str] | None = None,
        programs: installation.Installation | None = None,
        runs_as: privileges.Privileges | None = None,
    ) -> AsyncIterator["Postgres"]:
        """Serve the cluster below `data`, made first if need be, with the database `gatehouse` in it.

        Raises: PostgresMissing, DataInUse, Unreachable, StartFailed; each says what to do.
        """
        data = data.absolute()
        with held(data / "run" / "pg.lock"):
            chosen = programs or await asyncio.to_thread(installation.choose, data / "pg")
            identity = runs_as or await asyncio.to_thread(privileges.choose, data / "pg")
            server = await asyncio.to_thread(cls, data, chosen, identity, settings or {})
            await server._make_cluster()
            async with server._serving():
                await server.make_database(DATABASE)
                yield server

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the database `gatehouse`."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database of this cluster."""
        return f"postgresql+asyncpg://{USER}@/{database}?host={self.sockets}&port={PORT}"

    async def make_database(self, database: str, template: str | None = None) -> None:
        """Create a database, a copy of `template` where given, unless it is there."""
        like = f' TEMPLATE "{template}"' if template else ""
        with contextlib.suppress(asyncpg.DuplicateDatabaseError):
            await self.execute(f'CREATE DATABASE "{database}"{like}')

    async def drop_database(self, database: str) -> None:
        """Drop a database, and throw out whoever is connected to it."""
        await self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    async def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement as the cluster's owner."""
        connection = await asyncpg.connect(
            host=str(self.sockets), port=PORT, user=USER, database=database, ssl=False, timeout=10
        )
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _make_cluster(self) -> None:
        if installation.version_of(self.cluster) is not None:
            return
        # Into another name first: a directory half made by a killed initdb is never taken for a cluster.
        unfinished = self.data / "pg.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        if self._runs_as.user is not None:
            privileges.require_entry(self.data, self._runs_as)
            os.chown(unfinished, self._runs_as.user, self._runs_as.group or -1)
        options = (f"--username={USER}", "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8")
        await run(
            self._command("initdb", f"--pgdata={unfinished}", f"--locale={_locale()}", *options),
            INITDB_DEADLINE_S,
        )
        unfinished.replace(self.cluster)

    async def _launch(self) -> Child:
        await self._await_orphan()
        settings = (f"--{name}={value}" for name, value in self._settings.items())
        command = self._command("postgres", "-D", str(self.cluster), "-k", str(self.sockets), *settings)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_DEADLINE_S
        while True:
            child = await Child.start(command)
            try:
                if await self._ready(child, deadline):
                    return child
            except BaseException:
                await child.stop(0)
                raise
            # The backends of a killed postmaster may hold its shared memory a moment longer.
            if "shared memory" not in _tail(command.log) or loop.time() > deadline:
                raise child.failure("did not start")
            await asyncio.sleep(0.05)

    async def _ready(self, child: Child, deadline: float) -> bool:
        """Wait for line 8 to say so, in a postmaster.pid of this very process: a stale file says ready too."""
        loop = asyncio.get_running_loop()
        while child.running:
            lines = self._pid_file()
            if len(lines) >= 8 and lines[0] == str(child.pid) and lines[7].strip() == "ready":
                return True
            if loop.time() > deadline:
                raise child.failure(f"was not ready within {START_DEADLINE_S} s")
            await asyncio.sleep(0.005)
        return False

    async def _await_orphan(self) -> None:
        """See an earlier run's server off: we hold the lock, so whoever still serves the cluster has no owner."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 10
        while (pid := self._orphan()) is not None:
            if loop.time() > deadline:
                raise TimeoutError(f"process {pid} still serves {self.cluster}; stop it first")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            await asyncio.sleep(0.1)
        # Nobody serves, so this too names a dead process, or whoever has its number now.
        (self.sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)

    def _orphan(self) -> int | None:
        lines = self._pid_file()
        if not lines or not lines[0].isdigit():
            return None
        pid = int(lines[0])
        if _serves(pid, self.cluster):
            return pid
        # The number may by now be anyone's, as after a restart of a container: PostgreSQL would refuse to start.
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        return None

    def _pid_file(self) -> list[str]:
        try:
            return (self.cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _command(self, program: str, *arguments: str) -> Command:
        return Command(
            argv=(*self._runs_as.prefix, str(self._programs / program), *arguments),
            log=self.data / "log" / "postgres.log",
            env={"PATH": os.defpath, "LC_ALL": _locale(), "TZ": "UTC"},
            user=self._runs_as.user,
            group=self._runs_as.group,
            # Fast shutdown: sessions are ended, everything is written.
            goodbye=signal.SIGINT,
        )


def _locale() -> str:
    """Return a locale that knows the letters of every script; the plain C locale lowers ASCII only."""
    return "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"


def _serves(pid: int, cluster: Path) -> bool:
    """Tell whether a process is a server of this cluster."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == cluster.resolve()
    except OSError:
        if sys.platform == "linux":
            return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _tail(log: Path) -> str:
    try:
        return log.read_text(errors="replace")[-2000:]
    except OSError:
        return ""
