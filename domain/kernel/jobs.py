"""Work done after commit, with retries, by whichever process works.

A job is a row written in the transaction that wants it, so there is none without its change and no change without
it. It is carried out at least once: a job that speaks to the outside gives the outside a key to recognise repeats.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any, TypeVar, get_type_hints

from domain.kernel.database import Sessions
from domain.kernel.tools import Tools

JobHandler = Callable[..., Awaitable[None]]
J = TypeVar("J", bound=JobHandler)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a job may touch: short transactions of its own, between which it may call ports."""

    sessions: Sessions
    tools: Tools
    now: datetime

    def transaction(self) -> Any:
        """Open a transaction: ``async with work.transaction() as db``."""
        return self.sessions.begin()


@dataclass(frozen=True, slots=True)
class Job:
    """A named piece of work and how often it is tried."""

    name: str
    handler: JobHandler
    attempts: int


def job(name: str, *, attempts: int = 8) -> Callable[[J], J]:
    """Mark a function as a job, called as ``handler(work, **arguments)``; its arguments are JSON values."""

    def declare(handler: J) -> J:
        get_type_hints(handler)
        handler.__job__ = Job(name, handler, attempts)  # type: ignore[attr-defined]  # the mark is how contexts.load finds it
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
