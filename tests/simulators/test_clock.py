"""A clock that is wrong, or lives through a day in seconds, and can be set right."""

from simulators.clock import Clock
from simulators.faults import DAY_S


class World:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_clock_shows_the_worlds_time_until_somebody_meddles():
    world = World()
    clock = Clock(world)
    world.now += 10

    assert clock() == world.now


def test_a_wrong_clock_goes_on_wrong_and_tells_by_how_much_it_is_set_right():
    world = World()
    clock = Clock(world)

    clock.step(-3600)
    world.now += 10

    assert clock() == world.now - 3600
    assert clock.set_right() == 3600
    assert clock() == world.now


def test_a_day_is_lived_through_in_ten_seconds_and_ends_now():
    world = World()
    clock = Clock(world)

    clock.live_through(DAY_S, DAY_S / 10)
    begin = clock()
    world.now += 10

    assert round(clock() - begin) == DAY_S
    assert round(clock() - world.now, 3) == 0
