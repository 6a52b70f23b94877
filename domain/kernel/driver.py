"""Statements of a transaction that go to its connection's driver without a detour, for those that run very often.

What SQLAlchemy adds to a statement (its compiler, its cursors, its results, a greenlet) costs more than sending it.
Here it is prepared once per connection, and rows come back as the driver made them.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import asyncpg
from sqlalchemy import URL, TextClause, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

_DIALECT: Any = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # Any: SQLAlchemy has no types here

_FIRST = text("SELECT")


async def connect(url: URL, settings: Mapping[str, str], within_s: float) -> Any:
    """Return a connection of the driver's own; who asks for it closes it.

    Raises:
        OSError, TimeoutError, asyncpg.PostgresError: There is no way to it now.
    """
    _, where = _DIALECT.create_connect_args(url)
    return await asyncpg.connect(**where, server_settings=dict(settings), timeout=within_s)


async def rows(db: AsyncSession, statement: TextClause, values: Mapping[str, Any]) -> list[Any]:
    """Run a statement in the session's transaction; what the session has not written yet, it does not see.

    Raises:
        DBAPIError: The database refuses it.
    """
    query, names = compiled(statement)
    connection = (await db.connection()).sync_connection
    raw: Any = connection.connection.driver_connection if connection else None  # Any: asyncpg has no types
    if not raw.is_in_transaction():
        await db.execute(_FIRST)  # a session begins its transaction with the first statement of its own
    try:
        return list(await raw.fetch(query, *[values[name] for name in names]))
    except asyncpg.PostgresError as error:
        raise DBAPIError(query, None, error) from error


@lru_cache(maxsize=256)
def compiled(statement: TextClause) -> tuple[str, tuple[str, ...]]:
    """Return a statement as asyncpg reads it, with the names of its arguments in their order."""
    form = statement.compile(dialect=_DIALECT)
    return str(form), tuple(form.positiontup or ())
