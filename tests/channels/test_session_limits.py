"""How often a client may ask, and how often it may be refused.

Proves: channels/rate.py, channels/limits.py, channels/session.py
"""

import math

from hypothesis import given
from hypothesis import strategies as st

from channels.limits import Limits
from channels.rate import Rate
from tests.session_world import connected, words

RPC = '{"id":2,"rpc":{"method":"m"}}'
DONE = '{"id":2,"rpc":{"data":{}}}'
TOO_FAST = '{"id":2,"error":{"code":111,"message":"too many requests","temporary":true}}'


def test_too_many_commands_are_refused_and_then_the_connection_is_closed() -> None:
    world = connected(commands=Rate(5, 10.0))  # connect was the first
    told = words([effect for _ in range(12) for effect in world.say(RPC)])
    assert told == [DONE] * 4 + [TOO_FAST] * 5 + ["closed 3013"]


def test_who_waits_after_a_refusal_is_served_again() -> None:
    world = connected(commands=Rate(5, 10.0))
    told = [effect for _ in range(6) for effect in world.say(RPC)]
    world.now += 6.0
    told += [effect for _ in range(3) for effect in world.say(RPC)]
    assert words(told) == [DONE] * 4 + [TOO_FAST] * 2 + [DONE] + [TOO_FAST] * 2


def test_an_answer_to_a_ping_is_not_counted() -> None:
    world = connected(commands=Rate(1, 1000.0))
    for _ in range(5):
        assert words(world.after(world.session.deadlines.nearest - world.now)) == ["{}"]
        assert words(world.say("{}")) == []


def test_a_client_that_repeats_what_is_refused_is_closed_for_good() -> None:
    world = connected(refusals=Rate(3, 60.0))
    told = words([effect for _ in range(6) for effect in world.say('{"id":2,"ping":{}}')])
    assert told[-1] == "closed 3509"
    assert len(told) == 5


def test_what_may_be_tried_again_is_not_held_against_a_client() -> None:
    world = connected(refusals=Rate(1, 60.0), commands=Rate(3, 60.0))
    told = words([effect for _ in range(4) for effect in world.say(RPC)])
    assert told == [DONE] * 2 + [TOO_FAST] * 2


def test_the_usual_bounds_let_an_app_come_back_with_all_its_channels() -> None:
    world = connected()
    frame = "\n".join(
        f'{{"id":{2 * n + 2},"subscribe":{{"channel":"c{n}"}}}}\n{{"id":{2 * n + 3},"history":{{"channel":"c{n}"}}}}'
        for n in range(Limits().channels)
    )
    told = words(world.say(frame))
    assert len(told) == 256
    assert not any("error" in one for one in told)


@given(waits=st.lists(st.floats(0.0, 5.0), max_size=60), most=st.integers(1, 10), within=st.floats(0.1, 20.0))
def test_no_stretch_of_time_sees_more_than_twice_the_rate(
    waits: list[float], most: int, within: float
) -> None:
    rate, paid, now = Rate(most, within), -math.inf, 0.0
    allowed: list[float] = []
    for wait in waits:
        now += wait
        after = rate.pay(paid, now)
        if after - now <= within * (1 + 1e-9):
            allowed.append(now)
            paid = after
    for moment in allowed:
        assert sum(1 for one in allowed if moment <= one < moment + within * 0.999) <= 2 * most
