"""Declares a channel one may follow: its name, who may, what it shows first, and how facts are shown on it.

The template is the schema; the doors are plain functions::

    zones = Feed("occupancy:{site_id}")

    @zones.may
    async def may(ctx: Context, *, site_id: int) -> None: ...          # raise Forbidden, or let in

    @zones.first
    async def first(ctx: Context, *, site_id: int) -> list[Item]: ...   # what a new follower sees

    @zones.shows(OccupancyChanged)
    async def show(ctx: Context, facts: Sequence[OccupancyChanged]) -> Shown: ...   # {channel: items}

    @zones.signals(Pointing)
    async def point(ctx: Context, signal: Pointing, *, site_id: int) -> Pointed: ...   # raise, or say what is heard

A view is never an increment: readers upsert items by key and keep the newest version, so that doubles and disorder
are harmless. A signal is neither stored nor numbered nor caught up on: typing, looking, pointing. It travels as
``{"signal": ...}``, apart from views, with the id of its sender.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import msgspec

from domain.kernel.context import Context
from domain.kernel.events import Event


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a view: upserted by key where its version is not older; ``gone`` removes it."""

    key: str
    version: int
    data: Any = None
    gone: bool = False


class View(msgspec.Struct, frozen=True):
    """What travels on a channel, as the first view and as each later one."""

    items: Sequence[Item]


class Heard(msgspec.Struct, frozen=True):
    """What travels on a channel as a signal of one follower to the others."""

    signal: Any


Shown = Mapping[str, Sequence[Item]]
May = Callable[..., Awaitable[None]]
First = Callable[..., Awaitable[Sequence[Item]]]
Show = Callable[[Context, Sequence[Any]], Awaitable[Shown]]
Say = Callable[..., Awaitable[Any]]


class Feed:
    """A family of channels. ``remembers`` publications are kept for ``remembers_s`` seconds for those who return."""

    def __init__(self, template: str, *, remembers: int = 500, remembers_s: int = 300) -> None:
        self.template = template
        self.remembers = remembers
        self.remembers_s = remembers_s
        self._head = template.partition("{")[0]
        self.parameters = re.findall(r"{(\w+)}", template)
        self._pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>0|[1-9][0-9]{0,17})", re.escape(template)))
        self.opens: May | None = None
        self.begins: First | None = None
        self.shown: dict[type[Event], Show] = {}
        self.signal: type[msgspec.Struct] | None = None
        self.says: Say | None = None

    def match(self, channel: str) -> dict[str, int] | None:
        """Return the ids hidden in ``channel`` if it is of this family."""
        if not channel.startswith(self._head):  # spares most of the search among all feeds
            return None
        found = self._pattern.fullmatch(channel)
        return {name: int(value) for name, value in found.groupdict().items()} if found else None

    def channel(self, **ids: int) -> str:
        """Return the name of one channel of the family."""
        return self.template.format(**ids)

    def may(self, door: May) -> May:
        """Mark the function that refuses those who may not follow."""
        self.opens = door
        return door

    def first(self, door: First) -> First:
        """Mark the function that makes the first view."""
        self.begins = door
        return door

    def shows(self, *facts: type[Event]) -> Callable[[Show], Show]:
        """Mark the function that renders these facts of one commit, by channel."""

        def declare(show: Show) -> Show:
            self.shown.update(dict.fromkeys(facts, show))
            return show

        return declare

    def signals(self, shape: type[msgspec.Struct]) -> Callable[[Say], Say]:
        """Mark the function that decides on a signal of this shape: it refuses, or returns what others hear."""

        def declare(say: Say) -> Say:
            self.signal, self.says = shape, say
            return say

        return declare


class Feeds:
    """Every feed there is, found by channel."""

    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._feeds = tuple(feeds)

    def __iter__(self) -> Iterator[Feed]:
        return iter(self._feeds)

    def find(self, channel: str) -> tuple[Feed, dict[str, int]] | None:
        """Return the feed that ``channel`` belongs to, with its ids."""
        for feed in self._feeds:
            if (ids := feed.match(channel)) is not None:
                return feed, ids
        return None


def collect_feeds(modules: Iterable[ModuleType]) -> Feeds:
    """Gather the feeds of the given modules."""
    things = (thing for module in modules for thing in vars(module).values())
    found = list(dict.fromkeys(thing for thing in things if isinstance(thing, Feed)))
    templates = [feed.template for feed in found]
    if len(set(templates)) != len(templates):
        raise ValueError(f"a feed is declared twice among {sorted(templates)}")
    return Feeds(found)
