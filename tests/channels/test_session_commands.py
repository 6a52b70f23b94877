"""Each command in each state a channel can be in, and each refusal.

Proves: channels/session.py, channels/commands.py, channels/inquiries.py, channels/publishing.py,
channels/subscribing.py
"""

from typing import Any

import pytest
from msgspec.structs import replace

from channels.effects import Ask, Glance, Permit, Propose, Publish
from channels.host import Identity, Opening
from channels.protocol import Disconnect, DisconnectCode, ErrorCode, ProtocolError
from channels.stream import HistoryPolicy
from channels.transitions import State
from tests.session_world import KEPT, World, connected, words

OPEN = Opening(history=KEPT, presence=True, may_publish=True, data=b"{}")

COMMANDS = {
    "subscribe": '"subscribe":{"channel":"a"}',
    "unsubscribe": '"unsubscribe":{"channel":"a"}',
    "publish": '"publish":{"channel":"a","data":{"x" : 1}}',
    "presence": '"presence":{"channel":"a"}',
    "presence_stats": '"presence_stats":{"channel":"a"}',
    "history": '"history":{"channel":"a"}',
    "sub_refresh": '"sub_refresh":{"channel":"a","token":"t"}',
    "rpc": '"rpc":{"method":"m"}',
    "refresh": '"refresh":{"token":"t"}',
    "ping": '"ping":{}',
}

# What each command gives, by what the channel allows: an error's code, or "ok".
OPENINGS = {
    "all": OPEN,
    "nothing kept": replace(OPEN, history=None, presence=False),
    "reading denied": replace(OPEN, may_read_history=False, may_read_presence=False),
    "nothing kept and denied": replace(
        OPEN, history=None, presence=False, may_read_history=False, may_read_presence=False
    ),
    "publishing denied": replace(OPEN, may_publish=False),
}

TABLE: dict[str, dict[str, Any]] = {
    "followed": {
        "subscribe": 105,
        "unsubscribe": "ok",
        "publish": {"publishing denied": 103},
        "presence": {"nothing kept": 108, "reading denied": 103, "nothing kept and denied": 108},
        "presence_stats": {"nothing kept": 108, "reading denied": 103, "nothing kept and denied": 108},
        "history": {"nothing kept": 108, "reading denied": 103, "nothing kept and denied": 108},
        "sub_refresh": "ok",
        "rpc": "ok",
        "refresh": "ok",
        "ping": 108,
    },
    "not followed": {
        "subscribe": "ok",
        "unsubscribe": "ok",
        "publish": 103,
        "presence": {"nothing kept": 108, "reading denied": 103, "nothing kept and denied": 108},
        "presence_stats": {"nothing kept": 108, "reading denied": 103, "nothing kept and denied": 108},
        "history": {"nothing kept": 108, "reading denied": 103, "nothing kept and denied": 108},
        "sub_refresh": 103,
        "rpc": "ok",
        "refresh": "ok",
        "ping": 108,
    },
}

CASES = [
    (state, opening, command, answers.get(opening, "ok") if isinstance(answers, dict) else answers)
    for state, row in TABLE.items()
    for command, answers in row.items()
    for opening in OPENINGS
]


@pytest.mark.parametrize(("state", "opening", "command", "answer"), CASES)
def test_a_command_by_what_the_channel_allows(state: str, opening: str, command: str, answer: Any) -> None:
    world = connected()
    world.opening = OPENINGS[opening]
    if state == "followed":
        world.say('{"id":2,"subscribe":{"channel":"a"}}')

    told = words(world.say(f'{{"id":3,{COMMANDS[command]}}}'))

    replies = [one for one in told if one.startswith('{"id":3,')]
    if answer == "ok":
        assert [one.startswith(f'{{"id":3,"{command}":{{') for one in replies] == [True]
    else:
        assert len(replies) == 1
        assert replies[0].startswith(f'{{"id":3,"error":{{"code":{answer},"message":"')


REFUSALS = {
    ErrorCode.UNKNOWN_CHANNEL: '{"id":2,"error":{"code":102,"message":"unknown channel"}}',
    ErrorCode.PERMISSION_DENIED: '{"id":2,"error":{"code":103,"message":"permission denied"}}',
    ErrorCode.TOKEN_EXPIRED: '{"id":2,"error":{"code":109,"message":"token expired"}}',
    ErrorCode.INTERNAL: '{"id":2,"error":{"code":100,"message":"internal server error","temporary":true}}',
}


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("command", ["subscribe", "presence", "presence_stats", "history", "publish"])
def test_a_refusal_of_the_application_is_told_and_nothing_is_kept(command: str, code: ErrorCode) -> None:
    world = connected()

    def refuse(question: Ask[Any]) -> None:
        if isinstance(question, Permit | Glance | Propose):
            raise ProtocolError(code)

    world.before = refuse
    assert words(world.say(f'{{"id":2,{COMMANDS[command]}}}')) == [REFUSALS[code]]
    assert (world.session.subscriptions, world.followed) == ({}, set())
    assert world.session.state is State.OPEN


@pytest.mark.parametrize("command", ["subscribe", "presence", "history", "publish", "rpc", "refresh"])
def test_the_application_may_end_the_connection_instead(command: str) -> None:
    world = connected()

    def end(question: Ask[Any]) -> None:
        raise Disconnect(DisconnectCode.INVALID_TOKEN)

    world.before = end
    assert words(world.say(f'{{"id":2,{COMMANDS[command]}}}')) == ["closed 3500"]


@pytest.mark.parametrize("step", range(5))
def test_a_broker_that_fails_at_any_step_of_a_subscribe_leaves_nothing_behind(step: int) -> None:
    world = connected()
    world.opening = OPEN
    steps = iter(range(100))

    def fail(question: Ask[Any]) -> None:
        if next(steps) == step:
            raise ProtocolError(ErrorCode.INTERNAL)

    world.before = fail
    told = words(world.say('{"id":2,"subscribe":{"channel":"a"}}'))
    if step < 4:  # permit, follow, top, arrive
        assert told == [REFUSALS[ErrorCode.INTERNAL]]
        assert (world.session.subscriptions, world.followed) == ({}, set())
        assert world.present.get("a", {}) == {}
    else:
        assert told[0].startswith('{"id":2,"subscribe":')


def test_a_client_publishes_in_its_name_into_the_channels_history() -> None:
    world = World()
    world.identity = Identity(user="7", info=b'{"name":"Ada"}')
    world.say('{"id":1,"connect":{}}')
    world.opening = Opening(history=KEPT, may_publish=True, info=b'{"role":"host"}')
    world.say('{"id":2,"subscribe":{"channel":"a"}}')
    told = words(world.say('{"id":3,"publish":{"channel":"a","data":{"x" : 1}}}'))
    assert told == [
        '{"push":{"channel":"a","pub":{"data":{"x" : 1},"info":{"user":"7","client":"c1",'
        '"conn_info":{"name":"Ada"},"chan_info":{"role":"host"}},"offset":1,"tags":{"by":"client"}}}}',
        '{"id":3,"publish":{}}',
    ]
    (question,) = [one for one in world.asked if isinstance(one, Publish)]
    assert question.publishing.history == HistoryPolicy(5, 60)


def test_the_application_may_let_those_publish_who_do_not_follow() -> None:
    world = connected()
    world.anybody_publishes = True
    assert words(world.say('{"id":2,"publish":{"channel":"a","data":1}}')) == ['{"id":2,"publish":{}}']
    assert world.stream("a").top.offset == 1


def test_what_is_sent_reaches_the_application_and_is_not_answered() -> None:
    world = connected()
    world.hears = True
    assert words(world.say('{"send":{"data":{"a" : 1}}}')) == []
    assert world.heard == [b'{"a" : 1}']


def test_a_refused_send_is_not_answered_either() -> None:
    world = connected()

    def refuse(question: Ask[Any]) -> None:
        raise ProtocolError(ErrorCode.PERMISSION_DENIED)

    world.before = refuse
    assert words(world.say('{"send":{"data":1}}')) == []
    assert world.session.state is State.OPEN


@pytest.mark.parametrize("command", ["subscribe", "publish", "presence", "presence_stats", "history"])
@pytest.mark.parametrize(
    ("channel", "answer"),
    [
        ("", "closed 3501"),
        ("é", '{"id":2,"error":{"code":107,"message":"bad request"}}'),
        ("x" * 256, '{"id":2,"error":{"code":107,"message":"bad request"}}'),
    ],
)
def test_what_is_no_name_of_a_channel_is_refused(command: str, channel: str, answer: str) -> None:
    frame = f'{{"id":2,"{command}":{{"channel":"{channel}","data":1}}}}'
    assert words(connected().say(frame)) == [answer]


def test_a_subscription_token_may_name_the_channel_that_a_client_leaves_out() -> None:
    world = connected()
    world.session.deadlines.clear("ping")
    world.opening = Opening(expires_at=world.now + 60)
    world.say('{"id":2,"subscribe":{"channel":"a"}}')
    world.opening = Opening(expires_at=world.now + 300)
    told = words(world.say('{"id":3,"sub_refresh":{"token":"a"}}'))
    assert told == ['{"id":3,"sub_refresh":{"expires":true,"ttl":300}}']
    assert words(world.after(324)) == []
    assert '"code":2501' in words(world.after(1))[0]
    assert words(world.say('{"id":4,"sub_refresh":{"token":"b"}}')) == [
        '{"id":4,"error":{"code":103,"message":"permission denied"}}'
    ]


def test_a_refreshed_subscription_need_not_expire_any_more() -> None:
    world = connected()
    world.opening = Opening(expires_at=world.now + 60)
    world.say('{"id":2,"subscribe":{"channel":"a"}}')
    world.opening = Opening()
    assert words(world.say('{"id":3,"sub_refresh":{"channel":"a","token":"t"}}')) == [
        '{"id":3,"sub_refresh":{}}'
    ]
    assert "subscription" not in world.session.deadlines


def test_a_right_that_ends_while_its_token_is_read_is_not_renewed() -> None:
    world = connected()
    world.say('{"id":2,"subscribe":{"channel":"a"}}')
    world.before = lambda question: world.session.unsubscribe("a")
    told = words(world.say('{"id":3,"sub_refresh":{"channel":"a","token":"t"}}'))
    assert told[-1] == '{"id":3,"error":{"code":103,"message":"permission denied"}}'


EVERY = {**COMMANDS, "connect": '"connect":{}'}
BREACH = ["closed 3501"]


@pytest.mark.parametrize("command", [*EVERY, "send", "nothing"])
@pytest.mark.parametrize(
    ("state", "told"),
    [(State.NEW, BREACH), (State.CONNECTING, BREACH), (State.REFUSED, []), (State.CLOSED, [])],
)
def test_a_command_while_the_connection_is_not_open(state: State, told: list[str], command: str) -> None:
    world = World()
    world.session.state = state
    frames = {"send": '{"send":{"data":1}}', "nothing": "{}"}
    answered = world.say(frames.get(command) or f'{{"id":3,{EVERY[command]}}}')
    if command == "nothing":
        told = [] if state is State.CLOSED else BREACH
    if (command, state) == ("connect", State.NEW):
        assert words(answered)[0].startswith('{"id":3,"connect":{')
    else:
        assert words(answered) == told


@pytest.mark.parametrize("command", EVERY)
def test_a_command_without_a_number_breaks_the_protocol(command: str) -> None:
    assert words(connected().say(f"{{{EVERY[command]}}}")) == BREACH


def test_the_first_member_of_a_command_counts() -> None:
    told = words(connected().say('{"id":2,"unsubscribe":{"channel":"a"},"rpc":{"method":"m"}}'))
    assert told == ['{"id":2,"unsubscribe":{}}']
