"""Facts are grouped, rendered together and merged by channel."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from domain.kernel.context import Context
from domain.kernel.events import Event
from domain.kernel.feeds import Feed, Feeds, Item, View
from domain.kernel.log import Fact
from server.views import Showing, Sight, halves, merge, showings


class Moved(Event, frozen=True):
    name: ClassVar[str] = "thing.moved"
    thing_id: int


class Ended(Event, frozen=True):
    name: ClassVar[str] = "thing.ended"
    thing_id: int


things = Feed("things:{thing_id}")
others = Feed("others:{thing_id}")


@things.shows(Moved, Ended)
@others.shows(Ended)
async def show(ctx: Context, facts: Sequence[Event]) -> dict[str, list[Item]]:
    return {}


def fact(number: int, event: Event) -> Fact:
    return Fact(id=number, event=event, seq=1, actor="user:1", correlation="", at=datetime.now(UTC))


def test_a_function_is_called_once_for_all_its_facts_in_their_order():
    facts = [fact(1, Moved(thing_id=5)), fact(2, Ended(thing_id=5)), fact(3, Moved(thing_id=6))]
    found = showings(Feeds([things, others]), facts)
    assert [[(one.feed.template, [f.id for f in one.facts]) for one in of_feed] for of_feed in found] == [
        [("things:{thing_id}", [1, 2, 3])],
        [("others:{thing_id}", [2])],
    ]


def test_a_channel_is_told_once_and_each_item_in_its_newest_version():
    def sight(channel: str, facts: tuple[int, ...], *items: Item) -> Sight:
        return Sight(channel, things, View(items), facts)

    merged = merge(
        [
            sight("things:1", (1, 2), Item("a", 2, "new"), Item("b", 1)),
            sight("things:2", (2,), Item("a", 1)),
            sight("things:1", (2, 3), Item("a", 1, "old"), Item("b", 1, "later")),
        ]
    )
    assert [(one.channel, one.facts) for one in merged] == [("things:1", (1, 2, 3)), ("things:2", (2,))]
    assert list(merged[0].view.items) == [Item("a", 2, "new"), Item("b", 1, "later")]


def test_a_group_is_split_so_that_a_culprit_ends_up_alone():
    facts = [fact(n, Moved(thing_id=n)) for n in (1, 2, 3)]
    parts = halves(Showing(things, show, facts))
    assert [[f.id for f in part.facts] for part in parts] == [[1], [2, 3]]
