"""Facts that already happened, and the reactions that must hold in the same transaction.

A fact carries ids and amounts, never names or texts of persons, so that erasing a person leaves the log whole.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import msgspec

if TYPE_CHECKING:
    from domain.kernel.context import Context


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of every fact. Subclass per fact, in the past tense.

    ``name`` is the dotted public name; its first word is the aggregate, whose id stands in ``<aggregate>_id``
    unless ``subject`` names another field. ``aliases`` are other systems' names for the same fact.
    """

    name: ClassVar[str] = ""
    subject: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()
    in_rushes: ClassVar[bool] = False
    """Statements write it into the log by the thousand, so that nothing can react to it in its own transaction."""

    @property
    def aggregate(self) -> str:
        """The kind of thing that changed."""
        return self.name.split(".", 1)[0]

    @property
    def aggregate_id(self) -> int:
        """The id of the thing that changed."""
        return int(getattr(self, self.subject or f"{self.aggregate}_id"))

    @property
    def closes(self) -> "Closing | None":
        """The right to listen that this fact ends, if any."""
        return None


class Closing(msgspec.Struct, frozen=True):
    """Who must stop listening: a user or one session of theirs, on one channel or on all."""

    user_id: int
    session_id: int | None = None
    channel: str | None = None


E = TypeVar("E", bound=Event)
Reaction = Callable[["Context", Sequence[Any]], Awaitable[None]]
R = TypeVar("R", bound=Reaction)


def reacts_to(*facts: type[Event]) -> Callable[[R], R]:
    """Mark a function to run in the transaction that made these facts; it takes a list of them."""

    def declare(reaction: R) -> R:
        reaction.__reacts_to__ = facts  # type: ignore[attr-defined]  # the mark is how contexts.load finds it
        return reaction

    return declare


def collect_reactions(modules: Iterable[ModuleType]) -> Mapping[type[Event], list[Reaction]]:
    """Gather the reactions of the given modules, in the order they are written."""
    found: defaultdict[type[Event], list[Reaction]] = defaultdict(list)
    for module in modules:
        for thing in vars(module).values():
            if getattr(thing, "__module__", None) != module.__name__:
                continue
            for fact in getattr(thing, "__reacts_to__", ()):
                if fact.in_rushes:
                    raise ValueError(
                        f"{fact.name} comes in rushes, which followers may follow; nothing reacts"
                    )
                found[fact].append(thing)
    return dict(found)


def collect_events(modules: Iterable[ModuleType]) -> Mapping[str, type[Event]]:
    """Gather the facts of the given modules by name, refusing two of one name."""
    found: dict[str, type[Event]] = {}
    for module in modules:
        for thing in vars(module).values():
            if not (
                isinstance(thing, type) and issubclass(thing, Event) and thing.__module__ == module.__name__
            ):
                continue
            if found.setdefault(thing.name, thing) is not thing:
                raise ValueError(f"event {thing.name!r} is declared twice")
    return found
