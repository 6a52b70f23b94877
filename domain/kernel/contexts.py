"""Finds what the contexts declare."""

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import msgspec

from domain.kernel.events import Event, Reaction, collect_events, collect_reactions
from domain.kernel.feeds import Feeds, collect_feeds
from domain.kernel.followers import Follower, collect_followers
from domain.kernel.jobs import Job, collect_jobs
from domain.kernel.operations import Operation, collect_operations


class Catalogue(msgspec.Struct, frozen=True):
    """Everything the business declares, by name."""

    operations: Mapping[str, Operation]
    feeds: Feeds
    events: Mapping[str, type[Event]]
    reactions: Mapping[type[Event], list[Reaction]]
    jobs: Mapping[str, Job]
    followers: Mapping[str, Follower]


def load(contexts: Sequence[ModuleType]) -> Catalogue:
    """Import the parts each context has: tables, operations, feeds, events, reactions, jobs and followers.

    A part is a module or a package of modules (``operations.py`` or ``operations/``).
    """
    _parts(contexts, "tables")
    return Catalogue(
        operations=collect_operations(_parts(contexts, "operations")),
        feeds=collect_feeds(_parts(contexts, "feeds")),
        events=collect_events(_parts(contexts, "events")),
        reactions=collect_reactions(_parts(contexts, "reactions")),
        jobs=collect_jobs(_parts(contexts, "jobs")),
        followers=collect_followers(_parts(contexts, "followers")),
    )


def _parts(contexts: Sequence[ModuleType], name: str) -> list[ModuleType]:
    found: list[ModuleType] = []
    for context in contexts:
        path = f"{context.__name__}.{name}"
        spec = importlib.util.find_spec(path)
        if spec is None:
            continue
        found.append(importlib.import_module(path))
        for folder in spec.submodule_search_locations or ():
            found += [importlib.import_module(f"{path}.{stem}") for stem in _modules_in(folder)]
    return found


def _modules_in(folder: str) -> list[str]:
    return sorted(file.stem for file in Path(folder).glob("*.py") if file.stem != "__init__")
