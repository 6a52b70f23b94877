"""SQL that is long enough to read better as SQL: one statement per file, named as a verb."""

from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text


@cache
def load(package: str, verb: str) -> TextClause:
    """Return the statement in ``<package>/queries/<verb>.sql``, ready to take its parameters."""
    return text(files(f"{package}.queries").joinpath(f"{verb}.sql").read_text())
