"""How Alembic reaches the database and learns of our tables."""

import asyncio

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import async_engine_from_config

from domain.catalogue import CATALOGUE
from domain.kernel.database import Table

assert CATALOGUE.operations, "importing the catalogue declares every table"
# Many processes may start at once: one migrates, the others wait and find it done.
LOCK = text("SELECT pg_advisory_xact_lock(hashtext('gatehouse migrations'))")


def include(name: str | None, kind: str, parents: object) -> bool:
    """Leave out partitions: their parent stands for them."""
    return not (kind == "table" and name is not None and name.startswith("access_log_"))


def include_object(thing: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:
    """With ``only`` among the configuration's attributes, look at these tables and no others."""
    only = context.config.attributes.get("only")
    return only is None or kind != "table" or name in only


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        include_name=include,
        include_object=include_object,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        connection.execute(LOCK)
        context.run_migrations()


async def _run() -> None:
    section = context.config.get_section(context.config.config_ini_section, {})
    engine = async_engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


if context.is_offline_mode():
    context.configure(target_metadata=Table.metadata, dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(_run())
