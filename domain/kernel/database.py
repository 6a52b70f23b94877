"""The database as the domain sees it: the base of every table, the engine and the sessions."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar, cast

import msgspec
from sqlalchemy import ARRAY, BigInteger, ColumnElement, DateTime, MetaData, Text, any_, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from domain.kernel.errors import DomainError

# Every constraint has a name we chose, because refusals are looked up by it.
NAMING = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}


class Table(DeclarativeBase):
    """Base of every table. ``refusals`` says which refusal a violated constraint of the table stands for."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        int: BigInteger,
        str: Text,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }
    refusals: ClassVar[dict[str, DomainError]] = {}


class Versioned:
    """A row whose every change is a fact; ``version`` numbers them and is bumped by ``ctx.emit``."""

    version: Mapped[int] = mapped_column(default=0)


Sessions = async_sessionmaker[AsyncSession]


def connect(url: str, *, connections: int = 10) -> AsyncEngine:
    """Return an engine on ``url`` (``postgresql+asyncpg://``) holding at most ``connections``.

    Waits are bounded in the server: 2 s for a lock, 15 s for a statement, 10 s idle inside a transaction.
    """
    return create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=False,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        connect_args={
            "timeout": 10,
            "server_settings": {
                "application_name": "gatehouse",
                "timezone": "UTC",
                "lock_timeout": "2s",
                "statement_timeout": "15s",
                "idle_in_transaction_session_timeout": "10s",
                "jit": "off",
            },
        },
    )


def sessions(engine: AsyncEngine) -> Sessions:
    """Return the maker of sessions that write: one transaction each."""
    return async_sessionmaker(engine, expire_on_commit=False)


def readers(engine: AsyncEngine) -> Sessions:
    """Return the maker of sessions that read: each statement on its own, without BEGIN and COMMIT around it."""
    return async_sessionmaker(engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False)


def among(column: Any, ids: Collection[int]) -> ColumnElement[bool]:  # Any: of whatever table
    """Return the condition that a column is one of very many ids, as one argument: the statement stays the same."""
    return cast(ColumnElement[bool], column == any_(literal(list(ids), ARRAY(BigInteger))))


def refusals() -> dict[str, DomainError]:
    """Gather what each named constraint of every table stands for."""
    return {
        name: refusal for mapper in Table.registry.mappers for name, refusal in mapper.class_.refusals.items()
    }
