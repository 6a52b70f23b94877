"""What a follower is given of the past: all it has missed, the latest, or nothing; and whether gaps are looked for.

Proves: channels/recovery.py, channels/positioning.py
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from channels.broadcast import Broadcast
from channels.effects import Read, Top
from channels.host import Opening
from channels.recovery import MOST_RECOVERED, Held, Verdict, judge, latest, recovered
from channels.stream import History, Position, Publication
from tests.session_world import KEPT, World, connected, words

CACHE = Opening(history=KEPT, recovery="cache", data=b"{}")
WISHED = Opening(history=KEPT, positioned=False, recoverable=False, data=b"{}")


def subscribed(world: World, members: str = "") -> str:
    told = words(world.say(f'{{"id":2,"subscribe":{{"channel":"a"{members}}}}}'))
    assert len(told) == 1
    return told[0].removeprefix('{"id":2,"subscribe":').removesuffix("}")


def published(world: World, number: int = 3) -> World:
    for one in range(1, number + 1):
        world.publish("a", b"%d" % one)
    return world


# The latest alone


def test_a_first_subscribe_gets_the_latest() -> None:
    world = published(connected())
    world.opening = CACHE
    assert subscribed(world) == (
        '{"recoverable":true,"epoch":"e","publications":[{"data":3,"offset":3}],"recovered":true,"offset":3,'
        '"positioned":true,"data":{}}'
    )


@pytest.mark.parametrize(
    ("since", "publications"),
    [
        ('"offset":1,"epoch":"e"', '"publications":[{"data":3,"offset":3}],'),
        ('"offset":3,"epoch":"e"', ""),
        ('"offset":3,"epoch":"other"', '"publications":[{"data":3,"offset":3}],'),
        ('"offset":0,"epoch":""', '"publications":[{"data":3,"offset":3}],'),
        ('"offset":99,"epoch":"e"', '"publications":[{"data":3,"offset":3}],'),
    ],
)
def test_a_returning_one_gets_the_latest_unless_it_has_it(since: str, publications: str) -> None:
    world = published(connected())
    world.opening = CACHE
    assert subscribed(world, f',"recover":true,{since}') == (
        f'{{"recoverable":true,"epoch":"e",{publications}"recovered":true,"offset":3,'
        '"positioned":true,"data":{},"was_recovering":true}'
    )


@pytest.mark.parametrize("flag", [0, 2])
def test_where_nothing_is_remembered_nothing_is_recovered_and_the_view_is_shown(flag: int) -> None:
    world = connected()
    world.opening = replace(CACHE, data=None)
    assert subscribed(world, f',"recover":true,"flag":{flag}') == (
        '{"recoverable":true,"epoch":"e","positioned":true,"data":{"items":[]},"was_recovering":true}'
    )


def test_what_comes_while_the_latest_is_read_follows_it() -> None:
    world = published(connected(), 2)
    world.opening = CACHE
    world.before = lambda question: world.publish("a", b"3") if isinstance(question, Read) else None
    told = subscribed(world)
    world.publish("a", b"4")
    assert '"publications":[{"data":3,"offset":3}]' in told
    assert words(world.told)[-1] == '{"push":{"channel":"a","pub":{"data":4,"offset":4}}}'


# Whether gaps are looked for


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ("", '{"data":{}}'),
        (',"recover":true', '{"data":{}}'),
        (',"positioned":true', '{"epoch":"e","offset":3,"positioned":true,"data":{}}'),
        (
            ',"recoverable":true',
            '{"recoverable":true,"epoch":"e","offset":3,"positioned":true,"data":{}}',
        ),
        (
            ',"positioned":true,"recover":true,"offset":2',
            '{"epoch":"e","offset":3,"positioned":true,"data":{}}',
        ),
        (
            ',"recoverable":true,"recover":true,"offset":2',
            '{"recoverable":true,"epoch":"e","publications":[{"data":3,"offset":3}],"recovered":true,"offset":2,'
            '"positioned":true,"data":{},"was_recovering":true}',
        ),
    ],
)
def test_the_wish_of_the_client_counts_where_the_channel_leaves_it_open(wish: str, told: str) -> None:
    world = published(connected())
    world.opening = WISHED
    assert subscribed(world, wish) == told


def test_the_wish_of_one_who_may_not_read_history_does_not_count() -> None:
    world = published(connected())
    world.opening = replace(WISHED, may_read_history=False)
    assert subscribed(world, ',"recoverable":true,"positioned":true,"recover":true') == '{"data":{}}'


def test_a_channel_may_look_for_gaps_without_letting_clients_go_on() -> None:
    world = published(connected())
    world.opening = replace(WISHED, positioned=True)
    assert (
        subscribed(world, ',"recover":true,"offset":2')
        == '{"epoch":"e","offset":3,"positioned":true,"data":{}}'
    )


def test_nobody_asks_the_broker_where_nobody_looks_for_gaps() -> None:
    world = connected()
    world.opening = WISHED
    subscribed(world)
    assert not any(isinstance(one, Read | Top) for one in world.asked)


def test_a_follower_without_a_position_is_told_what_comes_whatever_was_lost() -> None:
    world = connected()
    world.opening = WISHED
    subscribed(world)
    world.publish("a", b"1", lose=True)
    world.publish("a", b"2")
    assert words(world.told)[-1] == '{"push":{"channel":"a","pub":{"data":2,"offset":2}}}'


def test_another_life_of_the_stream_is_a_gap() -> None:
    world = published(connected())
    subscribed(world)
    world.session.live(Broadcast("a", Publication(data=b"1", offset=4, epoch="f")))
    world.take()
    assert '"code":2500' in words(world.told)[-1]


def test_a_stream_that_had_no_life_yet_takes_the_first_there_is() -> None:
    world = connected()
    world.stream("a").epoch = ""
    subscribed(world)
    world.session.live(Broadcast("a", Publication(data=b"1", offset=1, epoch="f")))
    world.session.live(Broadcast("a", Publication(data=b"2", offset=2, epoch="f")))
    world.take()
    assert world.session.position("a") == Position(2, "f")


# The rules by themselves


def history(first: int, top: int) -> History:
    kept = tuple(Publication(data=b"1", offset=n, epoch="e") for n in range(first, top + 1))
    return History(kept, Position(top, "e"))


@given(
    first=st.integers(1, 400),
    kept=st.integers(0, 400),
    since=st.integers(0, 800),
    epoch=st.sampled_from(["", "e", "f"]),
)
def test_recovery_is_all_or_nothing(first: int, kept: int, since: int, epoch: str) -> None:
    top = first + kept - 1
    missed = recovered(history(first, top), Position(since, epoch))
    possible = epoch != "f" and first - 1 <= since <= top and top - since <= MOST_RECOVERED
    if possible:
        assert missed is not None
        assert [one.offset for one in missed] == list(range(since + 1, top + 1))
    elif missed is not None:
        assert (missed, since) == ((), top), "nothing was missed"


def test_the_latest_is_none_where_it_is_no_more_remembered() -> None:
    assert latest(History((), Position(3, "e")), None) is None
    assert latest(History((Publication(data=b"1", offset=2),), Position(3, "e")), None) is None


@pytest.mark.parametrize(
    ("offset", "epoch", "verdict"),
    [
        (0, "", Verdict.SEND),
        (4, "e", Verdict.SKIP),
        (5, "e", Verdict.SKIP),
        (6, "e", Verdict.SEND),
        (7, "e", Verdict.GAP),
        (6, "f", Verdict.GAP),
        (1, "f", Verdict.GAP),
    ],
)
def test_a_live_publication_is_judged_by_the_position(offset: int, epoch: str, verdict: Verdict) -> None:
    assert judge(Position(5, "e"), Publication(data=b"1", offset=offset, epoch=epoch)) is verdict


def test_what_does_not_fit_makes_what_is_held_incomplete() -> None:
    held = Held(1)
    first, second = (Broadcast("a", Publication(data=b"1")) for _ in range(2))
    held.add(first)
    assert not held.incomplete
    held.add(second)
    assert held.incomplete
    assert [list(held.release()), list(held.release())] == [[first], []]
