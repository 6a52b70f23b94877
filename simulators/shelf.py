"""Where a gate keeps its list: in the file of its journal, so that one that starts without a link has it."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from domain.access.rules.listing import Listed, canonical
from gate_bridge import wire
from simulators.known import Known

_SCHEMA = """
create table if not exists list (
    one integer primary key check (one = 1), head blob, revision integer not null, good_until_ms integer not null
);
create table if not exists list_line (pass_id integer primary key, body blob not null);
"""
_HEAD = msgspec.json.Decoder(wire.ListHead)
_LINE = msgspec.json.Decoder(Listed)


class Shelf:
    """One gate's list on disk; each change is one transaction, so that lines and revision never part."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        with self._transaction():
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
            database.execute("insert or ignore into list values (1, null, 0, 0)")

    def load(self) -> Known:
        """Returns the list as it was kept."""
        known = Known()
        head, revision, good_until_ms = self._database.execute(
            "select head, revision, good_until_ms from list"
        ).fetchone()
        lines = self._database.execute("select body from list_line")
        known.replace((_LINE.decode(body) for (body,) in lines), revision)
        if head is not None:
            known.begin(_HEAD.decode(head))
        known.good_until_ms = good_until_ms
        return known

    def keep_head(self, known: Known) -> None:
        """Writes the head, and how long the list is good."""
        with self._transaction():
            self._keep(known)

    def keep_change(self, known: Known, put: Iterable[Listed], gone: Iterable[int]) -> None:
        """Writes what has changed."""
        with self._transaction():
            self._database.executemany("delete from list_line where pass_id = ?", [(one,) for one in gone])
            self._put(put)
            self._keep(known)

    def keep_all(self, known: Known) -> None:
        """Writes a whole list in the place of the one before."""
        with self._transaction():
            self._database.execute("delete from list_line")
            self._put(known.lines.values())
            self._keep(known)

    def _put(self, lines: Iterable[Listed]) -> None:
        self._database.executemany(
            "insert or replace into list_line values (?, ?)",
            ((line.pass_id, canonical(line)) for line in lines),
        )

    def _keep(self, known: Known) -> None:
        head = None if known.head is None else msgspec.json.encode(known.head)
        self._database.execute(
            "update list set head = ?, revision = ?, good_until_ms = ?",
            (head, known.revision, known.good_until_ms),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._database.execute("rollback")
            raise
        self._database.execute("commit")
