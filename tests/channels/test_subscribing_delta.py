"""Differences to the publication before: who gets them, and that each one has what it is a difference to.

Proves: channels/positioning.py, channels/subscription.py, channels/effects.py
"""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from channels.broadcast import Broadcast
from channels.delta import apply
from channels.effects import Ask, Deliver, Read
from channels.host import Opening
from channels.positioning import LARGEST_PAIR
from channels.protocol.json import JsonCodec
from channels.stream import Joined, Publication
from tests.session_world import KEPT, World, connected, words

DELTA = Opening(history=KEPT, delta=True, data=b"{}")
CODEC = JsonCodec()
STORY = b'{"n":%d,"text":"the same old story as always"}'


def subscribed(world: World, members: str = ',"delta":"fossil"') -> str:
    return words(world.say(f'{{"id":2,"subscribe":{{"channel":"a"{members}}}}}'))[0]


@pytest.mark.parametrize(
    ("opening", "wish", "granted"),
    [
        (DELTA, ',"delta":"fossil"', True),
        (DELTA, "", False),
        (DELTA, ',"delta":"xdelta"', False),
        (replace(DELTA, delta=False), ',"delta":"fossil"', False),
        (replace(DELTA, history=None), ',"delta":"fossil"', False),
        (replace(DELTA, positioned=False, recoverable=False), ',"delta":"fossil"', False),
        (replace(DELTA, positioned=False, recoverable=False), ',"delta":"fossil","positioned":true', True),
    ],
)
def test_differences_are_for_those_who_ask_where_gaps_are_looked_for(
    opening: Opening, wish: str, granted: bool
) -> None:
    world = connected()
    world.opening = opening
    assert ('"delta":true' in subscribed(world, wish)) is granted
    assert world.session.subscriptions["a"].delta is granted


def test_what_comes_this_way_is_whole_and_the_next_may_be_a_difference() -> None:
    world = connected()
    world.opening = DELTA
    subscribed(world)
    assert world.session.subscriptions["a"].base is None
    world.publish("a", b'{"n":1}')
    assert world.session.subscriptions["a"].base == b'{"n":1}'
    assert words(world.told)[-1] == r'{"push":{"channel":"a","pub":{"data":"{\"n\":1}","offset":1}}}'


def test_what_is_recovered_is_what_the_next_may_be_a_difference_to() -> None:
    world = connected()
    world.opening = DELTA
    for number in range(1, 5):
        world.publish("a", STORY % number)
    told = subscribed(world, ',"delta":"fossil","recover":true,"offset":1,"epoch":"e"')
    publications = json.loads(told)["subscribe"]["publications"]
    assert [(one["offset"], one.get("delta", False)) for one in publications] == [
        (2, False),
        (3, True),
        (4, True),
    ]
    read = publications[0]["data"].encode()
    assert read == STORY % 2
    for number, publication in enumerate(publications[1:], 3):
        read = apply(read, publication["data"].encode())
        assert read == STORY % number
    assert world.session.subscriptions["a"].base == STORY % 4


def test_a_difference_that_is_not_shorter_is_not_one() -> None:
    world = connected()
    world.opening = DELTA
    world.publish("a", b"1")
    world.publish("a", b"2")
    told = subscribed(world, ',"delta":"fossil","recover":true,"offset":0,"epoch":"e"')
    assert '"publications":[{"data":"1","offset":1},{"data":"2","offset":2}]' in told


def test_nothing_recovered_is_nothing_to_build_on() -> None:
    world = connected()
    world.opening = DELTA
    world.publish("a")
    told = subscribed(world, ',"delta":"fossil","recover":true,"offset":1,"epoch":"e"')
    assert '"recovered":true' in told
    assert world.session.subscriptions["a"].base is None


def test_what_came_last_is_known_also_where_it_is_outside_the_stream() -> None:
    """It may come after the recovered publication here, and before it to those who followed already."""
    world = connected()
    world.opening = DELTA
    world.publish("a", STORY % 1)

    def interrupt(question: Ask[Any]) -> None:
        if isinstance(question, Read):
            world.deliver("a", Publication(data=b'"typing"'))
            world.publish("a", STORY % 2)

    world.before = interrupt
    told = words(
        world.say('{"id":2,"subscribe":{"channel":"a","delta":"fossil","recover":true,"epoch":"e"}}')
    )
    assert told[1:] == [r'{"push":{"channel":"a","pub":{"data":"\"typing\""}}}']
    assert world.session.subscriptions["a"].base == b'"typing"'
    world.publish("a", STORY % 3)
    assert world.session.subscriptions["a"].base == STORY % 3


def test_who_joins_is_no_difference_to_anything() -> None:
    world = connected()
    world.opening = replace(DELTA, join_leave=True)
    subscribed(world)
    assert [one.whole for one in world.told if isinstance(one, Deliver)] == [False]
    assert isinstance(next(one for one in world.told if isinstance(one, Deliver)).broadcast.delivery, Joined)
    assert world.session.subscriptions["a"].base is None


def test_what_others_read_whole_is_written_as_ever() -> None:
    publication = Publication(data=b'{"n":1}', offset=1)
    assert (
        Deliver(Broadcast("a", publication)).message(CODEC)
        == b'{"push":{"channel":"a","pub":{"data":{"n":1},"offset":1}}}'
    )


def test_what_is_large_is_recovered_whole() -> None:
    world = connected()
    world.opening = DELTA
    for number in range(1, 4):
        world.publish("a", b'"%s %d"' % (b"x" * LARGEST_PAIR, number))
    told = subscribed(world, ',"delta":"fossil","recover":true,"offset":1,"epoch":"e"')
    assert [one.get("delta", False) for one in json.loads(told)["subscribe"]["publications"]] == [
        False,
        False,
    ]
    assert world.session.subscriptions["a"].base == b'"%s 3"' % (b"x" * LARGEST_PAIR)
