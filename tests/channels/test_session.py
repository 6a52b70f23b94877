"""The session without I/O: what it answers to one command after another, and what the clock does to it.

Proves: channels/session.py, channels/connecting.py, channels/inquiries.py, channels/effects.py, channels/host.py,
channels/limits.py, channels/rate.py, channels/commands.py, channels/timing.py, channels/publishing.py
"""

import pytest

from channels.host import Identity, Opening
from tests.session_world import World, connected, words

CONNECTED = '{"id":1,"connect":{"client":"c1","version":"0","ping":25,"pong":true}}'


def test_connect_is_answered() -> None:
    assert words(World().say('{"id":1,"connect":{"token":"t"}}')) == [CONNECTED]


BREACHES = [
    "{}",
    '{"id":1}',
    '{"id":1,"rpc":{"method":"a"}}',
    '{"connect":{}}',
    '{"id":1,"send":{}}',
]


@pytest.mark.parametrize("frame", BREACHES)
def test_what_may_not_come_first_closes_with_3501(frame: str) -> None:
    assert words(World().say(frame)) == ["closed 3501"]


def error(code: int, message: str) -> str:
    return f'{{"id":2,"error":{{"code":{code},"message":"{message}"}}}}'


BAD = error(107, "bad request")
NOT_SERVED = error(108, "not available")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ('"connect":{}', "closed 3501"),
        ('"ping":{}', NOT_SERVED),
        ('"publish":{"channel":"a","data":1}', error(103, "permission denied")),
        ('"publish":{"channel":"a"}', BAD),
        ('"publish":{"channel":"a","data":1,"type":1}', NOT_SERVED),
        ('"publish":{}', "closed 3501"),
        ('"subscribe":{}', "closed 3501"),
        ('"subscribe":{"channel":"é"}', BAD),
        ('"subscribe":{"channel":"' + "x" * 256 + '"}', BAD),
        ('"subscribe":{"channel":"a","type":1}', NOT_SERVED),
        ('"subscribe":{"channel":"a","tf":{}}', BAD),
        ('"subscribe":{"channel":"secret"}', error(103, "permission denied")),
        ('"unsubscribe":{"channel":"a"}', '{"id":2,"unsubscribe":{}}'),
        ('"rpc":{"method":"m","data":{"a" : 1}}', '{"id":2,"rpc":{"data":{"a" : 1}}}'),
        ('"rpc":{"method":"m"}', '{"id":2,"rpc":{"data":{}}}'),
        ('"rpc":{"method":"refuse"}', error(409, "taken")),
        ('"sub_refresh":{"channel":"a","token":"t"}', error(103, "permission denied")),
        ('"sub_refresh":{"channel":"a"}', BAD),
        ('"refresh":{}', BAD),
        ('"refresh":{"token":"t"}', '{"id":2,"refresh":{"client":"c1","version":"0"}}'),
        ('"presence":{"channel":"a"}', NOT_SERVED),
        ('"history":{"channel":"a"}', '{"id":2,"history":{"publications":[],"epoch":"e","offset":0}}'),
        ('"history":{"channel":"a","since":{"epoch":"other"}}', error(112, "unrecoverable position")),
        ('"history":{"channel":"a","reverse":true,"since":{}}', BAD),
    ],
)
def test_one_command_after_connect(command: str, answer: str) -> None:
    assert words(connected().say(f'{{"id":2,{command}}}')) == [answer]


def test_an_unasked_pong_and_a_message_nobody_takes_close() -> None:
    assert words(connected().say("{}")) == ["closed 3501"]
    assert words(connected().say('{"send":{"data":1}}')) == ["closed 3508"]


def test_a_refused_connect_drops_the_rest_of_the_frame_and_the_client_is_closed_when_it_stays() -> None:
    world = World()
    world.identity = Identity(user="7", expires_at=world.now - 1)
    frame = '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"a"}}'
    assert words(world.say(frame)) == ['{"id":1,"error":{"code":109,"message":"token expired"}}']
    assert words(world.say('{"id":3,"connect":{}}')) == []
    assert words(world.after(11)) == ["closed 3502"]


def test_a_client_that_says_nothing_is_closed() -> None:
    world = World()
    assert words(world.after(9.9)) == []
    assert words(world.after(0.2)) == ["closed 3502"]


def test_a_client_is_not_to_blame_for_the_time_its_connect_takes() -> None:
    """3502 is final: SDKs would stay away after a slow minute of ours."""
    world = World()

    def take_a_minute(question: object) -> None:
        world.after(60)

    world.before = take_a_minute
    assert words(world.say('{"id":1,"connect":{}}')) == [CONNECTED]


def test_a_connection_follows_only_so_many_channels() -> None:
    world = connected(channels=2)
    frames = "\n".join(f'{{"id":{n},"subscribe":{{"channel":"c{n}"}}}}' for n in range(2, 5))
    assert words(world.say(frames))[2] == '{"id":4,"error":{"code":106,"message":"limit exceeded"}}'


def test_pings_come_by_the_clock_and_want_an_answer() -> None:
    world = connected()
    assert words(world.after(12.4)) == []
    assert words(world.after(0.1)) == ["{}"]
    assert words(world.say("{}")) == []
    assert words(world.after(25)) == ["{}"]
    assert words(world.after(8)) == ["closed 3012"]


def test_an_expired_connection_is_closed_after_the_grace_unless_refreshed() -> None:
    world = World()
    world.identity = Identity(user="7", expires_at=world.now + 60)
    assert '"expires":true,"ttl":60' in words(world.say('{"id":1,"connect":{}}'))[0]
    world.identity = Identity(user="7", expires_at=world.now + 90)
    assert words(world.say('{"id":2,"refresh":{"token":"t"}}')) == [
        '{"id":2,"refresh":{"client":"c1","version":"0","expires":true,"ttl":90}}'
    ]
    world.session.deadlines.clear("ping")
    assert words(world.after(114)) == []
    assert words(world.after(1)) == ["closed 3005"]


@pytest.mark.parametrize("lasts_s", [2.0**31, 1e300])
def test_a_token_that_is_good_for_ages_is_told_in_numbers_that_every_codec_has(lasts_s: float) -> None:
    world = World()
    world.identity = Identity(user="7", expires_at=world.now + lasts_s)
    assert '"expires":true,"ttl":2147483647' in words(world.say('{"id":1,"connect":{}}'))[0]


@pytest.mark.parametrize(("user", "lasts_s", "code"), [("8", 60, 3500), ("7", -1, 3005)])
def test_a_refresh_by_another_or_too_late_closes(user: str, lasts_s: float, code: int) -> None:
    world = connected()
    world.identity = Identity(user=user, expires_at=world.now + lasts_s)
    assert words(world.say('{"id":2,"refresh":{"token":"t"}}')) == [f"closed {code}"]


def test_an_expired_subscription_ends_with_2501_unless_refreshed() -> None:
    world = connected()
    world.session.deadlines.clear("ping")
    world.opening = Opening(expires_at=world.now + 60)
    assert '"expires":true,"ttl":60' in words(world.say('{"id":2,"subscribe":{"channel":"a"}}'))[0]
    world.opening = Opening(expires_at=world.now - 1)
    assert words(world.say('{"id":3,"sub_refresh":{"channel":"a","token":"t"}}')) == [
        '{"id":3,"error":{"code":109,"message":"token expired"}}'
    ]
    assert '"code":2501' in words(world.after(85))[0]


def test_the_end_leaves_every_channel() -> None:
    world = connected()
    world.opening = Opening(presence=True)
    world.say('{"id":2,"subscribe":{"channel":"a"}}\n{"id":3,"subscribe":{"channel":"b"}}')
    for question in world.session.end():
        world.answer(question)
    world.take()
    assert world.followed == set()
    assert world.present == {"a": {}, "b": {}}
    assert world.session.subscriptions == {}
