"""The database of `gatehouse up`, for other commands on the same data directory."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec

from gatehouse.embedded.lock import DataInUse
from gatehouse.embedded.postgres import Postgres
from gatehouse.settings import Settings

FILE = Path("run") / "database.url"


@contextmanager
def told(data: Path, url: str) -> Iterator[None]:
    """Keep the address in the data directory while the block runs."""
    file = data / FILE
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(url)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@asynccontextmanager
async def with_database(settings: Settings) -> AsyncIterator[Settings]:
    """Settle where the database is: named, that of a running `up`, or the same one started for this command alone."""
    if settings.database_url is not None:
        yield settings
        return
    data = settings.gatehouse_data
    try:
        async with Postgres.start(data) as server:
            yield msgspec.structs.replace(settings, database_url=server.url)
    except DataInUse:
        yield msgspec.structs.replace(settings, database_url=(data / FILE).read_text())
