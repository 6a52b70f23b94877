"""Single statements without a session, for the few operations that must answer within a millisecond.

1. Each statement is a transaction of its own, prepared once per connection and planned once.
2. A commit does not wait for the disk: what such an operation takes, it keeps for seconds. After a crash of the
   database the last of it may be gone, all of one statement together; what must last is not written here.
3. A connection that was lost is replaced, and the statement tried once more: whoever uses this writes statements that
   may run twice.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import asyncpg
from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from domain.kernel.driver import compiled, connect

CONNECTIONS = 4
CONNECT_S = 5.0
SETTINGS = {
    "application_name": "gatehouse direct",
    "timezone": "UTC",
    "lock_timeout": "2s",
    "statement_timeout": "15s",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    # a plan made while a table was empty must not go through all of it later
    "enable_seqscan": "off",
    "synchronous_commit": "off",
}
LOST = (
    asyncpg.InterfaceError,
    # what asyncpg says where the server's farewell comes in between: "cannot switch to state"
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    OSError,
)

Row = Mapping[str, Any]


class Direct:
    """Connections made when they are first needed, to the database of an engine; `close` ends them."""

    def __init__(self, engine: AsyncEngine, *, connections: int = CONNECTIONS) -> None:
        self._engine = engine
        self._room = asyncio.Semaphore(connections)
        self._idle: list[_Connection] = []

    async def row(self, statement: TextClause, values: Mapping[str, Any]) -> Row | None:
        """Run a statement and return its first row."""
        text, names = compiled(statement)
        arguments = [values[name] for name in names]
        async with self._room:
            try:
                return await self._run(text, arguments)
            except LOST:
                self._drop_idle()  # whatever ended one has ended them all
                return await self._run(text, arguments)

    async def close(self) -> None:
        """End all connections."""
        while self._idle:
            await self._idle.pop().raw.close(timeout=1)

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().raw.terminate()

    async def _run(self, text: str, arguments: list[Any]) -> Row | None:
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            row: Row | None = await (await connection.prepared(text)).fetchrow(*arguments)
        except BaseException as error:
            if not isinstance(error, asyncpg.PostgresError) or isinstance(error, LOST):
                connection.raw.terminate()
            else:
                self._idle.append(connection)
            raise
        self._idle.append(connection)
        return row

    async def _connect(self) -> "_Connection":
        return _Connection(await connect(self._engine.url, SETTINGS, CONNECT_S))


class _NoSession:
    """Stands where a session would: an operation that is not atomic has none, since making one takes too long."""

    def __getattr__(self, name: str) -> Any:
        raise TypeError("an operation that is not atomic asks the database by ctx.row, for it has no session")


NO_SESSION = cast(AsyncSession, _NoSession())


class _Connection:
    def __init__(self, raw: Any) -> None:  # Any: asyncpg has no types
        self.raw = raw
        self._statements: dict[str, Any] = {}

    async def prepared(self, text: str) -> Any:
        if (statement := self._statements.get(text)) is None:
            statement = self._statements[text] = await self.raw.prepare(text)
        return statement
