"""Whatever commands come in whatever order, the session keeps its promises.

Proves: channels/session.py
"""

from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from channels.effects import (
    Ask,
    Read,
    Show,
)
from channels.host import Identity, Opening
from channels.protocol.messages import Command, Reply
from tests.session_world import CODEC, EPOCH, KEPT, World, words

CHANNELS = st.sampled_from(["a", "b", "secret", "#7", "", "é", "x" * 256])
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "channel": CHANNELS,
        "token": st.sampled_from(["", "t"]),
        "recover": st.booleans(),
        "offset": st.integers(0, 6),
        "epoch": st.sampled_from(["", EPOCH, "other"]),
        "flag": st.integers(0, 3),
        "limit": st.integers(-2, 400),
        "reverse": st.booleans(),
        "method": st.sampled_from(["m", "refuse"]),
        "since": st.fixed_dictionaries(
            {"offset": st.integers(0, 6), "epoch": st.sampled_from(["", EPOCH, "x"])}
        ),
        "type": st.integers(0, 1),
    },
)
METHODS = st.sampled_from([name for name in Command.__struct_fields__ if name not in ("id", "connect")])
MOVES = st.one_of(
    st.tuples(st.just("command"), METHODS, ARGUMENTS),
    st.tuples(st.just("publish"), st.sampled_from(["a", "b", "#7"]), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 1.0, 9.0, 30.0]), st.just(None)),
    st.tuples(st.just("pong"), st.just(None), st.just(None)),
    st.tuples(st.just("doubt"), st.sampled_from(["a", "b"]), st.just(None)),
    st.tuples(st.just("unsubscribe"), st.sampled_from(["a", "b", "#7"]), st.just(None)),
    st.tuples(st.just("connect"), st.just(None), st.just(None)),
)


@settings(max_examples=300, deadline=None)
@given(
    moves=st.lists(MOVES, max_size=30),
    between=st.lists(st.tuples(st.sampled_from(["a", "b", "#7"]), st.booleans()), max_size=20),
    connects=st.booleans(),
)
def test_random_commands_never_raise_never_answer_twice_and_keep_the_order(
    moves: list[tuple[str, Any, Any]], between: list[tuple[str, bool]], connects: bool
) -> None:
    world = World()
    world.identity = Identity(user="7", subscriptions={"#7": None})
    world.opening = Opening(history=KEPT, presence=True)
    interruptions = iter(between)

    def interrupt(question: Ask[Any]) -> None:
        if isinstance(question, Read | Show) and (publication := next(interruptions, None)) is not None:
            world.publish(publication[0], lose=publication[1])

    world.before = interrupt
    numbers = count(2)
    sent: dict[int, str] = {1: ""} if connects else {}
    if connects:
        world.say('{"id":1,"connect":{}}')
    for kind, first, second in moves:
        if kind == "command":
            number = next(numbers) if first != "send" else 0
            if not world.closed and number:
                sent[number] = second.get("channel", "")
            raw = CODEC._encoder.encode({"id": number, first: second})
            world.say(raw.decode())
        else:
            _move(world, kind, first, second)
    check_order(words(world.told), sent, closed=world.closed)
    if not world.closed:
        assert world.followed == set(world.session.subscriptions)


def _move(world: World, kind: str, first: Any, second: Any) -> None:
    match kind:
        case "publish":
            world.publish(first, lose=second)
        case "wait":
            world.after(first)
        case "pong":
            world.say("{}")
        case "doubt":
            world.session.doubt(first)
        case "unsubscribe":
            world.session.unsubscribe(first)
        case "connect":
            world.say('{"id":1000,"connect":{}}')
    world.take()
    world.chores()


def check_order(told: list[str], sent: dict[int, str], *, closed: bool) -> None:
    """Every command is answered once; pushes come between reply and end, their offsets without gap or double."""
    answered: list[int] = []
    positions: dict[str, int] = {}
    for number, line in enumerate(told):
        if line.startswith("closed"):
            assert number == len(told) - 1, "nothing is said after the end"
            break
        reply = CODEC.decode_replies(line.encode())[0]
        if reply.id:
            answered.append(reply.id)
        _follow(reply, positions, sent)
    assert len(answered) == len(set(answered))
    assert set(answered) <= {*sent, 1000}
    if not closed:
        assert sorted({*answered} - {1000}) == sorted(sent)


def _follow(reply: Reply, positions: dict[str, int], sent: dict[int, str]) -> None:
    push = reply.push
    if reply.subscribe:
        positions[sent[reply.id]] = reply.subscribe.offset + len(reply.subscribe.publications)
    if reply.unsubscribe:
        positions.pop(sent[reply.id], None)
    if reply.connect:
        for channel, result in reply.connect.subs.items():
            positions[channel] = result.offset + len(result.publications)
    if push and push.unsubscribe:
        positions.pop(push.channel, None)
    if push and push.pub:
        assert push.pub.offset == positions[push.channel] + 1
        positions[push.channel] = push.pub.offset
