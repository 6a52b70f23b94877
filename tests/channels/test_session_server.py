"""What the server does to a connection by itself: subscribe, unsubscribe, say something, move the end.

Proves: channels/session.py, channels/following.py, channels/timing.py, channels/attendance.py
"""

from typing import Any

import pytest

from channels.effects import Ask, Follow, Live, Permit, Show, Top
from channels.host import Identity, Opening
from channels.protocol import Disconnect, DisconnectCode, ErrorCode, ProtocolError
from channels.stream import Position
from channels.transitions import State
from tests.session_world import KEPT, World, connected, words

OPENING = Opening(history=KEPT, data=b'{"hello":1}')


def subscribed(world: World, *arguments: Any) -> list[str]:
    start = len(world.told)
    world.session.subscribe_by_server(*arguments)
    world.chores()
    return words(world.told[start:])


def test_a_client_is_told_that_it_was_subscribed_before_anything_of_the_channel() -> None:
    world = connected()
    world.publish("news", b"1")
    world.before = lambda question: world.publish("news", b"2") if isinstance(question, Top) else None
    told = subscribed(world, "news", OPENING)
    world.publish("news", b"3")
    assert told == [
        '{"push":{"channel":"news","subscribe":{"recoverable":true,"epoch":"e","offset":2,"positioned":true,'
        '"data":{"hello":1}}}}'
    ]
    assert words(world.told)[-1] == '{"push":{"channel":"news","pub":{"data":3,"offset":3}}}'
    assert Live("news") in world.told


def test_the_application_is_asked_where_no_opening_is_given() -> None:
    world = connected()
    subscribed(world, "news")
    assert [type(one) for one in world.asked if not isinstance(one, Show)][-3:] == [Permit, Follow, Top]


def test_what_was_missed_since_a_position_comes_after_the_push() -> None:
    world = connected()
    for number in range(1, 4):
        world.publish("news", b"%d" % number)
    told = subscribed(world, "news", OPENING, Position(1, "e"))
    assert told[0].startswith(
        '{"push":{"channel":"news","subscribe":{"recoverable":true,"epoch":"e","offset":1,'
    )
    assert told[1:] == [
        '{"push":{"channel":"news","pub":{"data":2,"offset":2}}}',
        '{"push":{"channel":"news","pub":{"data":3,"offset":3}}}',
    ]


def test_who_follows_already_is_not_subscribed_twice() -> None:
    world = connected()
    world.say('{"id":2,"subscribe":{"channel":"news"}}')
    assert subscribed(world, "news", OPENING) == []


def test_a_wish_that_is_refused_is_not_told() -> None:
    world = connected()
    world.before = refuse(ProtocolError(ErrorCode.PERMISSION_DENIED))
    with pytest.raises(ProtocolError):
        subscribed(world, "news")
    assert (world.session.subscriptions, words(world.session.take())) == ({}, [])


def test_a_wish_beyond_the_channels_of_a_connection_ends_it() -> None:
    world = connected(channels=1)
    world.say('{"id":2,"subscribe":{"channel":"a"}}')
    assert subscribed(world, "news", OPENING) == ["closed 3505"]


def test_a_wish_that_comes_while_connecting_is_done_after_the_reply() -> None:
    world = World()
    world.before = lambda question: world.session.subscribe_by_server("news", OPENING)
    told = words(world.say('{"id":1,"connect":{}}'))
    assert told[0].startswith('{"id":1,"connect":')
    assert told[1].startswith('{"push":{"channel":"news","subscribe":')


@pytest.mark.parametrize("state", [State.NEW, State.REFUSED, State.CLOSED])
def test_nothing_is_wished_of_a_connection_that_is_not_there(state: State) -> None:
    world = World()
    world.session.state = state
    world.session.subscribe_by_server("news", OPENING)
    world.session.message(b"1")
    world.session.refresh_by_server(None)
    assert (world.session.chores, words(world.session.take())) == (None, [])


def test_unsubscribing_is_told_with_its_code_and_never_without_words() -> None:
    world = connected()
    for number, (code, reason) in enumerate([(2000, ""), (2100, "enough"), (2100, ""), (2502, "")], 2):
        world.say(f'{{"id":{number},"subscribe":{{"channel":"a"}}}}')
        world.session.unsubscribe("a", code, reason)
    told = [one for one in words([*world.told, *world.session.take()]) if '"unsubscribe"' in one]
    assert [one.split('"unsubscribe":')[1] for one in told] == [
        '{"code":2000,"reason":"server unsubscribe"}}}',
        '{"code":2100,"reason":"enough"}}}',
        '{"code":2100,"reason":"unsubscribed"}}}',
        '{"code":2502,"reason":"state invalidated"}}}',
    ]


def test_an_unsubscribe_to_be_tried_again_comes_after_the_reply_of_one_that_is_opening() -> None:
    world = connected()
    world.before = lambda question: (
        world.session.unsubscribe("a", 2502) if isinstance(question, Top) else None
    )
    told = words(world.say('{"id":2,"subscribe":{"channel":"a"}}'))
    assert told[0].startswith('{"id":2,"subscribe":')
    assert '"unsubscribe":{"code":2500,' in told[1]


def test_a_message_is_said_outside_any_channel() -> None:
    world = connected()
    world.session.message(b'{"a" : 1}')
    assert words(world.session.take()) == ['{"push":{"message":{"data":{"a" : 1}}}}']


def test_the_end_of_a_connection_can_be_moved_taken_away_and_brought_on() -> None:
    world = connected()
    world.session.deadlines.clear("ping")
    world.session.refresh_by_server(world.now + 10)
    assert world.session.deadlines.nearest == world.now + 35
    world.session.refresh_by_server(None)
    assert "expiry" not in world.session.deadlines
    world.session.refresh_by_server(world.now - 1)
    assert words(world.session.take()) == ["closed 3005"]


def test_a_server_side_subscription_that_runs_out_ends_the_connection() -> None:
    world = World()
    world.identity = Identity(user="7", subscriptions={"#7": Opening(expires_at=world.now + 60)})
    assert '"subs":{"#7":{"expires":true,"ttl":60,' in words(world.say('{"id":1,"connect":{}}'))[0]
    world.session.deadlines.clear("ping")
    assert words(world.after(84)) == []
    assert words(world.after(1)) == ["closed 3006"]


@pytest.mark.parametrize("ended", ["a", "b"])
def test_a_subscription_ended_while_connecting_is_left_out_of_the_reply(ended: str) -> None:
    """Whether it was opening at that moment (b), or ready and waiting for the other (a)."""
    world = World()
    world.identity = Identity(user="7", subscriptions={"a": Opening(), "b": Opening()})

    def end(question: Ask[Any]) -> None:
        if question == Follow("b"):
            world.session.unsubscribe(ended)

    world.before = end
    told = words(world.say('{"id":1,"connect":{}}'))
    left = "b" if ended == "a" else "a"
    assert f'"subs":{{"{left}":{{' in told[0]
    assert f'"{ended}":' not in told[0]
    assert (len(told), set(world.session.subscriptions)) == (1, {left})


def test_more_own_channels_than_a_connection_may_have_end_it() -> None:
    world = World()
    world.session.limits = type(world.session.limits)(channels=1)
    world.identity = Identity(user="7", subscriptions={"a": Opening(), "b": Opening()})
    assert words(world.say('{"id":1,"connect":{}}')) == ["closed 3505"]


def test_a_refused_connect_leaves_the_channels_it_had_begun_to_follow() -> None:
    world = World()
    world.identity = Identity(user="7", subscriptions={"a": Opening(presence=True), "secret": None})
    told = words(world.say('{"id":1,"connect":{}}'))
    assert told == ['{"id":1,"error":{"code":103,"message":"permission denied"}}']
    assert (world.followed, world.present) == (set(), {"a": {}})


# Who comes and who goes


def test_joins_and_leaves_are_told_once_each_and_in_order() -> None:
    world = connected()
    world.opening = Opening(join_leave=True)
    told = words(world.say('{"id":2,"subscribe":{"channel":"a"}}\n{"id":3,"unsubscribe":{"channel":"a"}}'))
    assert [type(one).__name__ for one in world.asked][-2:] == ["Announce", "Announce"]
    assert told[0].startswith('{"id":2,"subscribe":')


def test_a_follower_sees_its_own_join() -> None:
    world = connected()
    world.opening = Opening(join_leave=True)
    told = words(world.say('{"id":2,"subscribe":{"channel":"a"}}'))
    assert told[1] == '{"push":{"channel":"a","join":{"info":{"user":"7","client":"c1"}}}}'


@pytest.mark.parametrize(("wished", "sent"), [("", False), (',"join_leave":true', True)])
def test_joins_may_be_left_to_the_wish_of_the_client(wished: str, sent: bool) -> None:
    world = connected()
    world.opening = Opening(join_leave=True, push_join_leave=False)
    told = words(world.say(f'{{"id":2,"subscribe":{{"channel":"a"{wished}}}}}'))
    assert any('"join"' in one for one in told) is sent


def test_joins_are_not_sent_where_the_channel_has_none_whatever_is_wished() -> None:
    world = connected()
    world.say('{"id":2,"subscribe":{"channel":"a","join_leave":true}}')
    assert not world.session.subscriptions["a"].join_leave


def test_who_was_never_announced_does_not_leave() -> None:
    world = connected()
    world.opening = Opening(join_leave=True, presence=True)
    world.before = lambda question: world.session.unsubscribe("a") if isinstance(question, Show) else None
    world.say('{"id":2,"subscribe":{"channel":"a"}}')
    assert "Announce" not in [type(one).__name__ for one in world.asked]


@pytest.mark.parametrize("cut_at", [0, 1])
def test_a_departure_cut_off_by_the_end_of_the_connection_is_told_all_the_same(cut_at: int) -> None:
    world = connected()
    world.opening = Opening(presence=True, join_leave=True)
    world.say('{"id":2,"subscribe":{"channel":"a"}}')
    world.session.drop("a")
    chore = world.session.next_chore()
    assert chore is not None
    asked = [next(chore)]
    for _ in range(cut_at):
        asked.append(chore.send(world.answer(asked[-1])))
    world.session.close(3000)
    chore.close()
    assert [type(one).__name__ for one in asked] == ["Leave", "Announce"][: cut_at + 1]
    again = []
    for question in world.session.end():
        again.append(type(question).__name__)
        world.answer(question)
    assert again == ["Leave", "Announce"][cut_at:]
    assert world.present["a"] == {}


def test_the_end_of_a_connection_goes_on_where_one_channel_cannot_be_left() -> None:
    world = connected()
    world.opening = Opening(presence=True)
    world.say('{"id":2,"subscribe":{"channel":"a"}}\n{"id":3,"subscribe":{"channel":"b"}}')
    world.session.close(3000)
    steps = world.session.end()
    first = next(steps)
    second = steps.throw(ProtocolError(ErrorCode.INTERNAL))
    assert [type(one).__name__ for one in (first, second)] == ["Leave", "Leave"]
    world.answer(second)
    assert world.present["b"] == {}


def refuse(refusal: ProtocolError | Disconnect) -> Any:
    def refused(question: Ask[Any]) -> None:
        raise refusal

    return refused


def test_a_wish_may_find_that_the_user_is_not_welcome() -> None:
    world = connected()
    world.before = refuse(Disconnect(DisconnectCode.INVALID_TOKEN))
    assert subscribed(world, "news") == ["closed 3500"]
