"""Renders the facts of one or more commits as views: which channels say what."""

from collections.abc import Sequence

import msgspec

from domain.kernel.context import Context
from domain.kernel.events import Event
from domain.kernel.feeds import Feed, Feeds, Item, Show, View
from domain.kernel.log import Fact


class Sight(msgspec.Struct, frozen=True):
    """What is to be said on one channel, and the facts it comes from."""

    channel: str
    feed: Feed
    view: View
    facts: tuple[int, ...]


class Showing(msgspec.Struct, frozen=True):
    """One function of one feed, and the facts it renders together."""

    feed: Feed
    show: Show
    facts: Sequence[Fact]


def showings(feeds: Feeds, facts: Sequence[Fact]) -> list[list[Showing]]:
    """Group facts by the functions that show them, each called once, and these by their feeds."""
    grouped: dict[tuple[Feed, Show], list[Fact]] = {}
    groups: dict[type[Event], list[list[Fact]]] = {}
    for fact in facts:
        kind = type(fact.event)
        if kind not in groups:
            groups[kind] = [
                grouped.setdefault((feed, feed.shown[kind]), []) for feed in feeds if kind in feed.shown
            ]
        for group in groups[kind]:
            group.append(fact)
    of_feed: dict[Feed, list[Showing]] = {}
    for (feed, show), group in grouped.items():
        of_feed.setdefault(feed, []).append(Showing(feed, show, group))
    return list(of_feed.values())


def halves(showing: Showing) -> list[Showing]:
    """Split a group that failed, so that the culprit ends up alone and the others are shown."""
    middle = len(showing.facts) // 2
    return [
        Showing(showing.feed, showing.show, part) for part in (showing.facts[:middle], showing.facts[middle:])
    ]


async def render(ctx: Context, showing: Showing) -> list[Sight]:
    """Return what one function has to say, by channel."""
    events: list[Event] = [fact.event for fact in showing.facts]
    shown = await showing.show(ctx, events)
    ids = tuple(fact.id for fact in showing.facts)
    return [Sight(channel, showing.feed, View(items), ids) for channel, items in shown.items() if items]


def merge(sights: Sequence[Sight]) -> list[Sight]:
    """Return one sight per channel, each item in its newest version."""
    merged: dict[str, Sight] = {}
    for sight in sights:
        earlier = merged.get(sight.channel)
        items = _newest([*(earlier.view.items if earlier else ()), *sight.view.items])
        facts = tuple(sorted({*(earlier.facts if earlier else ()), *sight.facts}))
        merged[sight.channel] = Sight(sight.channel, sight.feed, View(items), facts)
    return list(merged.values())


def _newest(items: Sequence[Item]) -> list[Item]:
    newest: dict[str, Item] = {}
    for item in items:
        if item.key not in newest or newest[item.key].version <= item.version:
            newest[item.key] = item
    return list(newest.values())
