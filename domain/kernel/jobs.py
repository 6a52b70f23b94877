"""Work done after commit, with retries, by whichever process works.

A job is a row written in the transaction that wants it, so there is none without its change and no change without
it. It is carried out at least once: a job that speaks to the outside gives the outside a key to recognise repeats.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import TypeVar, get_type_hints

from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.caller import SERVICE
from domain.kernel.context import Context
from domain.kernel.database import Sessions
from domain.kernel.tools import Tools

JobHandler = Callable[..., Awaitable[None]]
J = TypeVar("J", bound=JobHandler)


async def _finished_by_returning(_: AsyncSession) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a job may touch: short transactions of its own, between which it may call ports.

    ``last`` is true for the attempt after which the job is given up. A job whose whole effect is one transaction
    calls ``finish`` in it and is then carried out exactly once.
    """

    sessions: Sessions
    tools: Tools
    now: datetime
    last: bool = False
    finish: Callable[[AsyncSession], Awaitable[None]] = _finished_by_returning

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction: ``async with work.transaction() as db``."""
        return self.sessions.begin()

    def context(self, db: AsyncSession) -> Context:
        """Return a context for the query functions of contexts; facts emitted into it go nowhere."""
        return Context(caller=SERVICE, db=db, now=self.now, tools=self.tools)


@dataclass(frozen=True, slots=True)
class Job:
    """A named piece of work, how often it is tried and how long one attempt may take."""

    name: str
    handler: JobHandler
    attempts: int = 8
    lasts_s: float = 60


def job(name: str, *, attempts: int = 8, lasts_s: float = 60) -> Callable[[J], J]:
    """Mark a function as a job, called as ``handler(work, **arguments)``; its arguments are JSON values."""

    def declare(handler: J) -> J:
        get_type_hints(handler)
        handler.__job__ = Job(name, handler, attempts, lasts_s)  # type: ignore[attr-defined]  # the mark is how contexts.load finds it
        return handler

    return declare


def collect_jobs(modules: Iterable[ModuleType]) -> Mapping[str, Job]:
    """Gather the jobs of the given modules by name, refusing two of one name."""
    found: dict[str, Job] = {}
    for module in modules:
        for thing in vars(module).values():
            declared = getattr(thing, "__job__", None)
            if declared is None or thing.__module__ != module.__name__:
                continue
            if found.setdefault(declared.name, declared) is not declared:
                raise ValueError(f"job {declared.name!r} is declared twice")
    return found
