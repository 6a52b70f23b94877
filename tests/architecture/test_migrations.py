"""A database that was migrated has the tables, columns, constraints and indexes that the code declares."""

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from tests.services.schema import migrate, models

# Partitions come and go; Alembic's own table is declared nowhere.
ORDINARY = (
    "c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND c.relname <> 'alembic_version'"
)
COLUMNS = f"""
    SELECT format('%s.%s %s %s default %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                  CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND {ORDINARY}"""
CONSTRAINTS = f"""
    SELECT format('%s.%s %s', c.relname, o.conname, pg_get_constraintdef(o.oid))
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid WHERE o.contype <> 'n' AND {ORDINARY}"""
INDEXES = f"""
    SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE {ORDINARY}"""


async def test_the_migrations_make_what_the_code_declares(database: str, empty_database: str):
    engine = create_async_engine(empty_database)
    async with engine.begin() as connection:
        await connection.run_sync(models().create_all)
    await engine.dispose()

    migrated, declared = await schema(database), await schema(empty_database)

    assert sorted(migrated - declared) == [], "the migrations make this, the code does not declare it"
    assert sorted(declared - migrated) == [], "the code declares this, no migration makes it"


async def test_migrating_again_changes_nothing(database: str):
    before = await schema(database)

    await migrate(database)

    assert await schema(database) == before


async def schema(url: str) -> set[str]:
    """Return every column, constraint and index as a line of text."""
    parts = make_url(url)
    connection = await asyncpg.connect(
        host=str(parts.query["host"]), port=5432, user=parts.username, database=parts.database
    )
    try:
        found = [await connection.fetch(query) for query in (COLUMNS, CONSTRAINTS, INDEXES)]
    finally:
        await connection.close()
    return {row[0] for rows in found for row in rows}
