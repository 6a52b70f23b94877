"""What an operation may touch besides its own arguments."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel import driver
from domain.kernel.caller import Caller, Role
from domain.kernel.database import Versioned
from domain.kernel.direct import Direct
from domain.kernel.errors import DomainError, Forbidden
from domain.kernel.events import Event
from domain.kernel.tools import Tools


class Emitted(msgspec.Struct, frozen=True):
    """A fact on its way to the log, with its number in the life of its aggregate."""

    event: Event
    seq: int


class Rush(msgspec.Struct, frozen=True):
    """Facts that a statement has put into the log by itself, with ids from ``first`` to ``last``.

    ``shown`` are those that anybody would see, by id; the others are older than what screens have room for.
    """

    first: int
    last: int
    shown: Mapping[int, Event]


class Signal(msgspec.Struct, frozen=True):
    """Something said once and never stored, such as a pulse or typing."""

    channel: str
    data: Any


class Deferred(msgspec.Struct, frozen=True):
    """A job to be written with the transaction."""

    job: str
    arguments: dict[str, Any]
    run_at: datetime | None = None


Kept = Callable[["Context"], Awaitable[DomainError | None]]


@dataclass(slots=True, kw_only=True)
class Context:
    """One unit of work: one caller, one transaction, one instant."""

    caller: Caller
    db: AsyncSession
    now: datetime
    tools: Tools
    correlation: str = ""
    direct: Direct | None = None
    emitted: list[Emitted] = field(default_factory=list)
    rushes: list[Rush] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)

    async def row(self, statement: TextClause, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the one row of a statement that runs on its own, by the shortest way that there is."""
        if self.direct is not None:
            return await self.direct.row(statement, values)
        found = (await self.db.execute(statement, values)).one_or_none()
        return None if found is None else found._asdict()

    async def rows(self, statement: TextClause, values: Mapping[str, Any]) -> list[Any]:
        """Return the rows of a statement of this transaction, by the shortest way that there is: `driver.rows`."""
        return await driver.rows(self.db, statement, values)

    def emit(self, event: Event, *, of: Versioned | None = None) -> None:
        """Record a fact; it leaves the building only if the transaction commits.

        ``of`` is the row that changed: its version is bumped under its lock and numbers the fact. A fact about
        something that never changes again needs none and is number 1.
        """
        if of is not None:
            of.version = (of.version or 0) + 1
        self.emitted.append(Emitted(event, of.version if of is not None else 1))

    def rush(self, first: int, last: int, shown: Mapping[int, Event]) -> None:
        """Tell of facts that a statement has written and noted by itself (`Event.in_rushes`)."""
        self.rushes.append(Rush(first, last, shown))

    def signal(self, channel: str, data: Any) -> None:
        """Say something on a channel after commit, unstored."""
        self.signals.append(Signal(channel, data))

    def defer(self, job: str, *, run_at: datetime | None = None, **arguments: Any) -> None:
        """Have a job done after commit by whoever works, with retries."""
        self.deferred.append(Deferred(job, arguments, run_at))

    def keep(self, work: Kept) -> None:
        """Have ``work`` done and committed when this operation is refused.

        The refusal has released the operation's locks, so ``work`` looks again under its own; a refusal that it
        returns is answered instead of the first.
        """
        self.kept.append(work)

    def require(self, *roles: Role, site_id: int | None) -> None:
        """Refuse unless the caller holds one of ``roles`` at this site.

        Raises:
            Forbidden: They do not.
        """
        if not self.caller.holds(*roles, site_id=site_id):
            raise Forbidden(f"This needs the role {' or '.join(roles)} at site {site_id}")

    @property
    def user_id(self) -> int:
        """The calling person's id.

        Raises:
            Forbidden: The caller is no person.
        """
        if self.caller.user_id is None:
            raise Forbidden("This is for people who are signed in")
        return self.caller.user_id


def events_of(emitted: Sequence[Emitted]) -> list[Event]:
    """Return the bare facts."""
    return [one.event for one in emitted]
