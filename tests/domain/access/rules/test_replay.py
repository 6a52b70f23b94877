"""A replay of events comes to one account, in whatever order and in whatever portions they are told."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from domain.access.rules.passage import OUTSIDE, Walk
from domain.access.rules.replay import Replay

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HALL, OFFICE, ADA, BOB = 1, 2, 11, 12

zones = some.sampled_from([None, HALL, OFFICE])
passes = some.sampled_from([ADA, BOB, None])
moments = some.integers(0, 4).map(lambda minutes: NINE + timedelta(minutes=minutes))
told = some.one_of(
    some.tuples(some.just("walk"), zones, zones, moments, passes),
    some.tuples(some.just("put"), zones, zones, moments, some.sampled_from([ADA, BOB])),
    some.tuples(some.just("correct"), some.sampled_from([HALL, OFFICE]), some.integers(-3, 3)),
)
Told = tuple[Any, ...]  # an event of one of these shapes


def take(replay: Replay, number: int, event: Told) -> None:
    match event:
        case ("walk", left, entered, at, pass_id):
            replay.walk(Walk(number, left, entered, at), pass_id)
        case ("put", was, now, at, pass_id):
            replay.put(number, at, (was, now), pass_id)
        case ("correct", zone, delta):
            replay.correct(zone, delta)


def account(events: list[tuple[int, Told]]) -> Replay:
    replay = Replay()
    for number, event in events:
        take(replay, number, event)
    return replay


def comparable(replay: Replay) -> Any:
    return replay.passes, replay.counts()


@given(some.lists(told, max_size=12), some.randoms())
def test_the_order_in_which_events_are_told_changes_nothing(events: list[Told], random: Any):
    numbered = list(enumerate(events, start=1))
    shuffled = list(numbered)
    random.shuffle(shuffled)

    assert comparable(account(shuffled)) == comparable(account(numbered))


@given(some.lists(told, max_size=12), some.integers(0, 12))
def test_what_was_folded_before_and_what_came_since_are_the_whole(events: list[Told], cut: int):
    numbered = list(enumerate(events, start=1))
    before = account(numbered[:cut])

    since = account(numbered[cut:])
    for pass_id, standing in before.passes.items():
        since.add_pass(pass_id, standing)
    for zone, tally in before.tallies().items():
        since.add_zone(zone, tally)

    assert comparable(since) == comparable(account(numbered))


@given(some.lists(told, max_size=12))
def test_walks_told_one_by_one_move_a_zone_to_the_same_count(events: list[Told]):
    """What the live state does: a pass leaves the zone it was in, whatever gate it is seen at."""
    live: Counter[int | None] = Counter()
    replay = Replay()

    for number, event in enumerate(events, start=1):
        was = {pass_id: one.inside for pass_id, one in replay.passes.items()}
        take(replay, number, event)
        match event:
            case ("walk", left, entered, _, None):
                live[left] -= 1
                live[entered] += 1
            case ("walk" | "put", _, _, _, pass_id):
                live[was.get(pass_id)] -= 1
                live[replay.passes[pass_id].inside] += 1
            case ("correct", zone, delta):
                live[zone] += delta

    counts = replay.counts()
    assert {zone: counts[zone].inside if zone in counts else 0 for zone in (HALL, OFFICE)} == {
        zone: live[zone] for zone in (HALL, OFFICE)
    }


def test_a_pass_that_left_another_way_is_told_apart():
    replay = Replay()
    replay.walk(Walk(1, None, HALL, NINE), ADA)
    replay.walk(Walk(2, OFFICE, None, NINE + timedelta(minutes=1)), ADA)

    counts = replay.counts()
    assert [(counts[zone].inside, counts[zone].went_elsewhere) for zone in (HALL, OFFICE)] == [
        (0, -1),
        (0, 1),
    ]
    assert replay.passes[ADA].inside is None and replay.passes.get(BOB, OUTSIDE) == OUTSIDE
