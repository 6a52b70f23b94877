"""A gate remembers whom it let through, whom it sent away, and for how long that counts."""

from simulators import memory
from simulators.memory import Memory

NOW = 1_791_190_000.0


def test_a_pass_not_seen_has_not_entered():
    seen = Memory().seen(7, 0, NOW)

    assert (seen.entered, seen.inside_zone, seen.zone_inside) == (0, None, 0)


def test_entries_from_the_street_are_counted_and_the_last_zone_is_known():
    mind = Memory()

    mind.walked(7, leaves=None, enters=0, now=NOW)
    mind.walked(7, leaves=0, enters=1, now=NOW + 1)
    inside = mind.seen(7, 1, NOW + 2)
    mind.walked(7, leaves=0, enters=None, now=NOW + 3)
    outside = mind.seen(7, 1, NOW + 4)

    assert (inside.entered, inside.inside_zone, inside.moved_at, inside.zone_inside) == (1, 1, NOW + 1, 1)
    assert (outside.entered, outside.inside_zone, outside.zone_inside) == (1, None, 0)


def test_the_oldest_pass_is_forgotten_first_and_no_longer_counted():
    mind = Memory()
    for pass_id in range(memory.CAPACITY + 8):
        mind.walked(pass_id, leaves=None, enters=0, now=NOW)

    assert mind.seen(7, 0, NOW).entered == 0
    assert mind.seen(7, 0, NOW).zone_inside == memory.CAPACITY


def test_a_code_is_remembered_with_the_zone_that_it_opened():
    mind = Memory()

    mind.admitted(7, 0, NOW, step=12)
    mind.admitted(7, 1, NOW)

    assert (mind.seen(7, 0, NOW).last_step, mind.seen(7, 0, NOW).last_zone) == (12, 0)


def test_companions_are_those_let_into_the_same_zone_within_a_minute():
    mind = Memory()
    mind.admitted(1, 0, NOW - memory.ESCORTED_S - 1)
    mind.admitted(2, 1, NOW)
    mind.admitted(3, 0, NOW)
    mind.admitted(7, 0, NOW)

    assert list(mind.companions(7, 0, NOW)) == [3]


def test_a_pass_waits_fifteen_seconds_for_a_second_one():
    mind = Memory()
    mind.waits(1, 0, NOW)

    assert mind.seen(2, 0, NOW + memory.ACCOMPANIED_S).accompanied
    assert not mind.seen(2, 0, NOW + memory.ACCOMPANIED_S + 0.1).accompanied
    assert not mind.seen(1, 0, NOW).accompanied
    assert not mind.seen(2, 1, NOW).accompanied


def test_wrong_pins_count_for_a_minute():
    mind = Memory()
    for second in range(3):
        mind.wrong_pin(NOW + second)

    assert mind.seen(1, 0, NOW + 10).failures == 3
    assert mind.seen(1, 0, NOW + memory.TRIES_S + 0.5).failures == 2


def test_who_opened_a_zone_is_remembered_for_that_zone():
    mind = Memory()
    mind.opened(1, NOW)

    assert (mind.seen(7, 1, NOW).opened_at, mind.seen(7, 0, NOW).opened_at) == (NOW, None)
