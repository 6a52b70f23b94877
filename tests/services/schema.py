"""The tables of the product in a database of a test."""

import asyncio
import importlib
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine

ROOT = Path(__file__).parents[2]
MIGRATIONS = ROOT / "migrations"


async def migrate(url: str) -> None:
    """Bring a database to the newest schema, by the migrations as an operator would."""
    if (MIGRATIONS / "env.py").exists():
        await asyncio.to_thread(command.upgrade, alembic_config(url), "head")
    else:
        await _create_all(url)


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration for this URL, which migrations/env.py reads as `sqlalchemy.url`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    # Alembic reads it with interpolation.
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def models() -> MetaData:
    """Return what the tables of all contexts declare."""
    importlib.import_module("domain.catalogue")
    metadata: MetaData = importlib.import_module("domain.kernel.database").Table.metadata
    return metadata


async def _create_all(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(models().create_all)
    await engine.dispose()
