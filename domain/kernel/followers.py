"""Parts that may lag behind the log and can be played again from its start, such as counts for reports.

A follower is a function that takes facts in the order of their positions::

    @follower("insights.visits", VisitLogged)
    async def count_visits(db: AsyncSession, facts: Sequence[Fact]) -> None: ...

How far it has come is stored in the transaction of its effect, so each fact has its effect once. What it does
outside the database has no such guarantee and does not belong here but in jobs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import ModuleType
from typing import TypeVar

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Sessions, Table
from domain.kernel.events import Event
from domain.kernel.log import Fact, FactRow, revive
from domain.kernel.rounds import in_rounds

BATCH = 500

Follow = Callable[[AsyncSession, Sequence[Fact]], Awaitable[None]]
F = TypeVar("F", bound=Follow)


class FollowerRow(Table):
    """How far one follower has come."""

    __tablename__ = "followers"

    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(server_default=text("0"))
    moved_at: Mapped[datetime] = mapped_column(server_default=func.now())


@dataclass(frozen=True, slots=True)
class Follower:
    """A named function and the facts it follows."""

    name: str
    follow: Follow
    facts: Mapping[str, type[Event]]


def follower(name: str, *facts: type[Event]) -> Callable[[F], F]:
    """Mark a function as a follower of these facts."""
    if not facts:
        raise TypeError(f"{name}: a follower names the facts it follows")

    def declare(follow: F) -> F:
        follow.__follower__ = Follower(name, follow, {fact.name: fact for fact in facts})  # type: ignore[attr-defined]  # the mark is how contexts.load finds it
        return follow

    return declare


def collect_followers(modules: Iterable[ModuleType]) -> Mapping[str, Follower]:
    """Gather the followers of the given modules by name, refusing two of one name."""
    found: dict[str, Follower] = {}
    for module in modules:
        for thing in vars(module).values():
            declared = getattr(thing, "__follower__", None)
            if declared is None or thing.__module__ != module.__name__:
                continue
            if found.setdefault(declared.name, declared) is not declared:
                raise ValueError(f"follower {declared.name!r} is declared twice")
    return found


class Followers:
    """Moves every follower ahead, each at its own pace. Any number of processes may: one moves a follower at a time."""

    def __init__(
        self, followers: Mapping[str, Follower], sessions: Sessions, *, pause_s: float = 0.25
    ) -> None:
        self._followers = followers
        self._sessions = sessions
        self._pause_s = pause_s

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for one in self._followers.values():
                tasks.create_task(
                    in_rounds(f"follower {one.name}", partial(self.move, one), pause_s=self._pause_s)
                )

    async def move(self, one: Follower) -> bool:
        """Have one follower take its next facts; tell whether it moved."""
        async with self._sessions.begin() as db:
            start = await _locked_position(db, one.name)
            if start is None:
                return False
            end = min(start + BATCH, await last_position(db))
            if end <= start:
                return False
            if facts := await _facts(db, one, start, end):
                await one.follow(db, facts)
            await _store(db, one.name, end)
        return True


async def reset(db: AsyncSession, name: str, *, position: int = 0) -> None:
    """Have a follower start again after ``position``; its owner empties what it had written in the same transaction."""
    await db.execute(insert(FollowerRow).values(name=name).on_conflict_do_nothing())
    await _store(db, name, position)


async def last_position(db: AsyncSession) -> int:
    """Return the last position that was given."""
    return await db.scalar(select(func.coalesce(func.max(FactRow.position), 0))) or 0


async def _locked_position(db: AsyncSession, name: str) -> int | None:
    mine = select(FollowerRow.position).where(FollowerRow.name == name)
    position = await db.scalar(mine.with_for_update(skip_locked=True))
    if position is None:
        # New, or another process is moving it; the next round finds out which.
        await db.execute(insert(FollowerRow).values(name=name).on_conflict_do_nothing())
    return position


async def _facts(db: AsyncSession, one: Follower, after: int, upto: int) -> list[Fact]:
    wanted = (
        select(FactRow)
        .where(FactRow.position > after, FactRow.position <= upto, FactRow.name.in_(one.facts))
        .order_by(FactRow.position)
    )
    return [revive(row, one.facts) for row in await db.scalars(wanted)]


async def _store(db: AsyncSession, name: str, position: int) -> None:
    mine = update(FollowerRow).where(FollowerRow.name == name)
    await db.execute(mine.values(position=position, moved_at=func.now()))
