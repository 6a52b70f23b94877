"""The job that runs again the reactions that were put off."""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.kernel.events import Event
from domain.kernel.jobs import Job, Work
from domain.kernel.reactions import RETRY
from domain.kernel.runtime import Runtime

ATTEMPTS = 12


def late_reactions(runtime: Runtime, events: Mapping[str, type[Event]]) -> Job:
    """Return the job, for the worker's table of jobs."""

    async def react(work: Work, *, reaction: str, fact: str, body: Any, correlation: str = "") -> None:
        await runtime.react(work, reaction, msgspec.convert(body, events[fact]), correlation)

    return Job(RETRY, react, attempts=ATTEMPTS)
