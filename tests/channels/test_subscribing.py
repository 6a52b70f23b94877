"""Following a channel: history joined to what comes live, gaps told, rights that end.

Proves: channels/subscribing.py, channels/subscription.py, channels/following.py, channels/positioning.py,
channels/attendance.py
"""

from typing import Any

import pytest

from channels.broadcast import Broadcast
from channels.effects import (
    Ask,
    Read,
    Show,
    Top,
)
from channels.host import Identity, Opening
from channels.stream import Position, Publication
from tests.session_world import EPOCH, World, connected, words


def test_a_fresh_subscription_reads_its_position_before_its_first_view() -> None:
    world = connected()
    world.publish("feed", b"0")
    world.before = lambda question: world.publish("feed", b"1") if isinstance(question, Show) else None
    told = words(world.say('{"id":2,"subscribe":{"channel":"feed"}}'))
    assert told == [
        '{"id":2,"subscribe":{"recoverable":true,"epoch":"e","offset":1,"positioned":true,"data":{"items":[]}}}',
        '{"push":{"channel":"feed","pub":{"data":1,"offset":2}}}',
    ]


def test_recovery_joins_history_to_what_came_meanwhile() -> None:
    world = connected()
    for number in range(1, 4):
        world.publish("feed", b"%d" % number)
    world.before = lambda question: world.publish("feed", b"9") if isinstance(question, Read) else None
    told = words(world.say('{"id":2,"subscribe":{"channel":"feed","recover":true,"offset":1,"epoch":"e"}}'))
    world.publish("feed", b"10")
    assert told == [
        '{"id":2,"subscribe":{"recoverable":true,"epoch":"e","publications":[{"data":2,"offset":2},'
        '{"data":3,"offset":3},{"data":9,"offset":4}],"recovered":true,"offset":1,"positioned":true,'
        '"was_recovering":true}}'
    ]
    assert words(world.told)[-1] == '{"push":{"channel":"feed","pub":{"data":10,"offset":5}}}'
    assert not any(isinstance(question, Show) for question in world.asked)


@pytest.mark.parametrize(
    "position", ['"offset":1,"epoch":"other"', '"offset":0,"epoch":"e"', '"offset":99,"epoch":"e"']
)
def test_what_cannot_be_recovered_gets_a_fresh_view_or_112(position: str) -> None:
    world = connected()
    for _ in range(7):
        world.publish("feed")
    frame = '{"id":2,"subscribe":{"channel":"feed","recover":true,%s,"flag":%d}}'
    refused = words(world.say(frame % (position, 3)))
    assert refused == ['{"id":2,"error":{"code":112,"message":"unrecoverable position"}}']
    assert "feed" not in world.followed
    fresh = words(world.say(frame % (position, 1)))
    assert fresh == [
        '{"id":2,"subscribe":{"recoverable":true,"epoch":"e","offset":7,"positioned":true,"data":{"items":[]},'
        '"was_recovering":true}}'
    ]


def test_a_gap_ends_the_subscription_with_2500() -> None:
    world = connected()
    world.say('{"id":2,"subscribe":{"channel":"feed"}}')
    start = len(world.told)
    world.publish("feed", lose=True)
    world.publish("feed")
    world.publish("feed")
    assert words(world.told[start:]) == [
        '{"push":{"channel":"feed","unsubscribe":{"code":2500,"reason":"insufficient state"}}}'
    ]
    assert world.followed == set()


def test_a_gap_in_a_server_side_subscription_closes_with_3010() -> None:
    world = World()
    world.identity = Identity(user="7", subscriptions={"#7": None})
    world.say('{"id":1,"connect":{}}')
    world.publish("#7", lose=True)
    world.publish("#7")
    assert words(world.told)[-1] == "closed 3010"


def test_server_side_subscriptions_recover_in_the_connect_reply() -> None:
    world = World()
    world.identity = Identity(user="7", subscriptions={"#7": None})
    for number in range(1, 4):
        world.publish("#7", b"%d" % number)
    frame = '{"id":1,"connect":{"subs":{"#7":{"recover":true,"offset":2,"epoch":"e"},"#8":{"recover":true}}}}'
    (reply,) = words(world.say(frame))
    assert '"subs":{"#7":{' in reply
    assert '"publications":[{"data":3,"offset":3}],"recovered":true,"offset":2' in reply
    assert "#8" not in reply
    again = words(world.say('{"id":2,"subscribe":{"channel":"#7"}}'))
    assert again == ['{"id":2,"error":{"code":105,"message":"already subscribed"}}']


def test_deliveries_lost_while_opening_are_told_after_the_reply() -> None:
    world = connected()
    world.before = lambda question: world.session.doubt("feed") if isinstance(question, Top) else None
    told = words(world.say('{"id":2,"subscribe":{"channel":"feed"}}'))
    assert told[0].startswith('{"id":2,"subscribe":')
    assert '"code":2500' in told[1]


def test_more_than_can_be_held_back_is_told_after_the_reply() -> None:
    world = connected()

    def flood(question: Ask[Any]) -> None:
        if isinstance(question, Show):
            for _ in range(600):
                world.publish("feed")

    world.before = flood
    told = words(world.say('{"id":2,"subscribe":{"channel":"feed"}}'))
    assert told[0].startswith('{"id":2,"subscribe":')
    assert len(told) == 514
    assert '"code":2500' in told[-1]


def test_a_right_that_ends_while_opening_refuses_the_subscribe() -> None:
    world = connected()
    world.before = lambda question: world.session.unsubscribe("feed") if isinstance(question, Top) else None
    told = words(world.say('{"id":2,"subscribe":{"channel":"feed"}}'))
    assert told == ['{"id":2,"error":{"code":103,"message":"permission denied"}}']
    assert world.followed == set()


def test_presence_is_entered_counted_and_left() -> None:
    world = connected()
    world.opening = Opening(presence=True, join_leave=True)
    world.say('{"id":2,"subscribe":{"channel":"room"}}')
    counted = words(world.say('{"id":3,"presence_stats":{"channel":"room"}}'))
    listed = words(world.say('{"id":4,"presence":{"channel":"room"}}'))
    world.say('{"id":5,"unsubscribe":{"channel":"room"}}')
    assert counted == ['{"id":3,"presence_stats":{"num_clients":1,"num_users":1}}']
    assert listed == ['{"id":4,"presence":{"presence":{"c1":{"user":"7","client":"c1"}}}}']
    assert world.present == {"room": {}}
    names = [type(question).__name__ for question in world.asked]
    assert names[-2:] == ["Leave", "Announce"]


def test_a_live_delivery_outside_history_passes_a_positioned_subscription() -> None:
    world = connected()
    world.say('{"id":2,"subscribe":{"channel":"feed"}}')
    world.session.live(Broadcast("feed", Publication(data=b'"typing"')))
    world.take()
    assert words(world.told)[-1] == '{"push":{"channel":"feed","pub":{"data":"typing"}}}'
    assert world.session.position("feed") == Position(0, EPOCH)
