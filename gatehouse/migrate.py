"""Brings the database to the newest schema; any number of processes may ask for it at once."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config

MIGRATIONS = Path(__file__).parents[1] / "migrations"


async def migrate(url: str) -> None:
    """Upgrade the database at this SQLAlchemy URL to the newest revision."""
    await asyncio.to_thread(command.upgrade, configuration(url), "head")


def configuration(url: str) -> Config:
    """Return Alembic's configuration for this URL."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    # Alembic reads the value with interpolation.
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config
