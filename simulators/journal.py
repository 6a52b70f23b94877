"""The journal of a gate: what happened, on disk before anybody hears of it, kept until the server has it.

1. An event is on disk (fsync) when `append` returns; cut in the middle, the journal is as before.
2. Numbers start at 1, grow by one, and are never used again, not even after a power cut.
3. The epoch is random and made only when the journal is: a new journal is never taken for the old one.
4. An event is deleted only when acknowledged.
5. One process at a time has the journal open.
"""

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import msgspec

from gate_bridge import wire
from simulators.crash import NOWHERE, CrashPoint

_SCHEMA = """
create table if not exists state (
    one integer primary key check (one = 1),
    epoch text not null, session integer not null,
    last_seq integer not null, last_hash text not null, acknowledged integer not null
);
create table if not exists event (seq integer primary key, body blob not null);
create table if not exists orders (
    one integer primary key check (one = 1),
    revision integer not null, mode text not null, until_ms integer, commanded integer not null
);
"""
_DECODER = msgspec.json.Decoder(wire.Event)


class Order(msgspec.Struct, frozen=True):
    """How the gate was last told to be."""

    revision: int
    mode: wire.Mode
    until_ms: int | None


class JournalInUse(Exception):
    """Another process is this gate already."""


class Journal:
    """Open it with `open`; `keep` keeps what was acknowledged too, for whoever compares it with the server."""

    def __init__(self, database: sqlite3.Connection, *, keep: bool, crash: CrashPoint) -> None:
        self._database = database
        self._keep = keep
        self._crash = crash
        row = database.execute(
            "select epoch, session, last_seq, last_hash, acknowledged from state"
        ).fetchone()
        self.epoch: str = row[0]
        self.session: int = row[1]
        self.last_seq: int = row[2]
        self._last_hash: str = row[3]
        self.acknowledged: int = row[4]
        told = database.execute("select revision, mode, until_ms, commanded from orders").fetchone()
        self.order = Order(*told[:3])
        self.commanded: int = told[3]

    @classmethod
    def open(cls, path: Path, *, keep: bool = False, crash: CrashPoint = NOWHERE) -> Self:
        """Opens the journal, or makes it with a new epoch.

        Raises:
            JournalInUse: another process has it open.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        # Opened and closed by threads, since both take the disk's time; between them one thread uses it.
        database = sqlite3.connect(path, timeout=1, isolation_level=None, check_same_thread=False)
        try:
            database.execute("pragma locking_mode = exclusive")
            database.execute("pragma journal_mode = wal")
            # A commit returns when the disk has it; the default of this mode would wait for a checkpoint.
            database.execute("pragma synchronous = full")
            database.execute("begin immediate")
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
            database.execute(
                "insert or ignore into state values (1, ?, 0, 0, ?, 0)", (secrets.token_hex(8), wire.GENESIS)
            )
            database.execute("insert or ignore into orders values (1, 0, 'normal', null, 0)")
            database.execute("commit")
        except sqlite3.OperationalError as error:
            database.close()
            raise JournalInUse(f"{path}: {error}") from error
        return cls(database, keep=keep, crash=crash)

    @property
    def database(self) -> sqlite3.Connection:
        """The file, for what else of a gate must outlive a power cut; it closes with the journal."""
        return self._database

    @property
    def depth(self) -> int:
        """How many events the server does not have yet."""
        return self.last_seq - self.acknowledged

    def next_session(self) -> int:
        """Returns a number for a connection that no earlier one had."""
        self._database.execute("update state set session = session + 1")
        self.session += 1
        return self.session

    def append(self, kind: wire.Kind, at_ms: int, **members: Any) -> wire.Event:  # Any: members of an event
        """Writes what happened and returns it numbered, salted and sealed."""
        event = wire.Event(
            epoch=self.epoch,
            seq=self.last_seq + 1,
            at_ms=at_ms,
            kind=kind,
            salt=secrets.token_hex(16) if members.get("pass_id") is not None else None,
            previous_hash=self._last_hash,
            hash=self._last_hash,
            **({"clock": "ok", "source": "online"} | members),
        )
        event = wire.seal(event, self._last_hash)
        self._database.execute("begin immediate")
        self._database.execute("insert into event values (?, ?)", (event.seq, wire.encode(event)))
        self._crash.reach("mid_append")
        self._database.execute("update state set last_seq = ?, last_hash = ?", (event.seq, event.hash))
        self._database.execute("commit")
        self.last_seq, self._last_hash = event.seq, event.hash
        self._crash.reach("after_append")
        return event

    def acknowledge(self, up_to: int) -> bool:
        """Forgets the events the server has; returns whether that is news."""
        if not self.acknowledged < up_to <= self.last_seq:
            return False
        self._crash.reach("before_forget")
        self._database.execute("begin immediate")
        self._database.execute("update state set acknowledged = ?", (up_to,))
        if not self._keep:
            self._database.execute("delete from event where seq <= ?", (up_to,))
        self._database.execute("commit")
        self.acknowledged = up_to
        self._crash.reach("after_forget")
        return True

    def ordered(self, revision: int, mode: wire.Mode, until_ms: int | None) -> None:
        """Writes down how the gate shall be."""
        self._database.execute(
            "update orders set revision = ?, mode = ?, until_ms = ?", (revision, mode, until_ms)
        )
        self.order = Order(revision, mode, until_ms)

    def obeyed(self, number: int) -> None:
        """Writes down that a command was taken, so that none is obeyed twice."""
        self._database.execute("update orders set commanded = ?", (number,))
        self.commanded = number

    def events(self, first: int, last: int, limit: int = wire.MAX_BATCH_EVENTS) -> list[wire.Event]:
        """Returns those kept between two numbers, both included, oldest first."""
        rows = self._database.execute(
            "select body from event where seq between ? and ? order by seq limit ?", (first, last, limit)
        )
        return [_DECODER.decode(body) for (body,) in rows]

    def all(self) -> list[wire.Event]:
        """Returns everything kept."""
        return self.events(1, self.last_seq, self.last_seq)

    def copy(self, path: Path) -> None:
        """Writes a second journal of the same epoch, as whoever clones a gate has it."""
        with closing(sqlite3.connect(path)) as other:
            self._database.backup(other)

    def cut(self) -> None:
        """Loses power in the middle of an append: half an event is written, and nobody has committed it."""
        self._database.execute("begin immediate")
        self._database.execute("insert into event values (?, ?)", (self.last_seq + 1, b"{"))
        self.close()

    def close(self) -> None:
        """Lets another process have it."""
        self._database.close()
