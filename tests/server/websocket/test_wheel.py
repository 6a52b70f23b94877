"""The wheel: everybody is woken at their moment, not before and not much after, and one timer does it for all."""

import asyncio
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from server.websocket.wheel import PORTION, RESOLUTION_S, Slot, Wheel
from tests.eventually import eventually


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class One:
    """Waits for moments, and remembers when it was woken."""

    def __init__(self, clock: Clock, *moments: float) -> None:
        self.slot: Slot | None = None
        self.clock = clock
        self.moments = sorted(moments)
        self.woken: list[tuple[float, float]] = []

    @property
    def moment(self) -> float:
        return self.moments[0] if self.moments else inf

    def tick(self) -> None:
        while self.moments and self.moments[0] <= self.clock():
            self.woken.append((self.moments.pop(0), self.clock()))


class Standing(Wheel):
    """A wheel that is turned by hand."""

    def _wake_later(self, seconds: float) -> None:
        """No loop runs here."""


actions = st.one_of(
    st.tuples(st.just("wait"), st.integers(0, 9), st.floats(-1, 30)),
    st.tuples(st.just("leave"), st.integers(0, 9), st.just(0.0)),
    st.tuples(st.just("postpone"), st.integers(0, 9), st.floats(0, 30)),
    st.tuples(st.just("turn"), st.just(0), st.floats(0, 3)),
)


@given(st.lists(actions, max_size=60))
def test_whatever_happens_nobody_is_woken_early_late_twice_or_not_at_all(
    steps: list[tuple[str, int, float]],
) -> None:
    clock = Clock()
    wheel, ones = Standing(clock, 0.2), [One(clock) for _ in range(10)]
    asked: dict[int, list[float]] = {number: [] for number in range(10)}
    for what, number, amount in steps:
        one, begun = ones[number], clock.now
        match what:
            case "wait":
                asked[number].append(clock.now + amount)
                one.moments = sorted([*one.moments, clock.now + amount])
                wheel.place(one)
            case "leave":
                wheel.remove(one)
                asked[number] = [moment for moment in asked[number] if moment not in one.moments]
                one.moments = []
            case "postpone":
                asked[number] = [moment for moment in asked[number] if moment not in one.moments]
                one.moments = [moment + amount for moment in one.moments]
                asked[number] += one.moments
                wheel.place(one)
            case "turn":
                while clock.now < begun + amount:
                    clock.now += 0.1
                    assert not wheel.turn()
    end = max([clock.now, *(moment for one in ones for moment in one.moments)]) + 1
    while clock.now < end:
        clock.now += 0.5
        wheel.turn()
    assert len(wheel) == 0
    for number, one in enumerate(ones):
        assert sorted(moment for moment, _ in one.woken) == sorted(asked[number])
        assert all(woken - moment >= 0 for moment, woken in one.woken)


@given(st.floats(0, 50), st.floats(0, 5))
def test_nobody_waits_longer_than_the_resolution(ahead: float, resolution: float) -> None:
    clock, resolution = Clock(), resolution + 0.05
    wheel, one = Standing(clock, resolution), One(clock, clock.now + ahead)
    wheel.place(one)
    while not one.woken:
        clock.now += resolution / 4
        wheel.turn()
    [(moment, woken)] = one.woken
    assert woken - moment <= resolution * 2.25 + 1e-6, (
        "a slot, and the quarters in which the clock moves here"
    )


def test_a_slot_of_many_is_worked_off_in_portions() -> None:
    clock = Clock()
    wheel, crowd = Standing(clock), [One(clock, clock.now + 1) for _ in range(PORTION * 2 + 1)]
    for one in crowd:
        wheel.place(one)
    clock.now += 2
    assert [wheel.turn(), sum(bool(one.woken) for one in crowd)] == [True, PORTION]
    assert [wheel.turn(), wheel.turn()] == [True, False]
    assert all(len(one.woken) == 1 for one in crowd)
    assert len(wheel) == 0


def test_who_does_not_move_on_is_asked_once_a_turn() -> None:
    class Stubborn(One):
        def tick(self) -> None:
            self.woken.append((self.moment, self.clock()))

    clock = Clock()
    wheel, one = Standing(clock), Stubborn(clock, clock.now)
    wheel.place(one)
    for turn in range(1, 4):
        clock.now += RESOLUTION_S
        wheel.turn()
        assert len(one.woken) == turn


def test_a_moment_that_comes_nearer_is_kept_and_one_that_leaves_is_forgotten() -> None:
    clock = Clock()
    wheel, one = Standing(clock), One(clock, clock.now + 20)
    wheel.place(one)
    one.moments.insert(0, clock.now + 1)
    wheel.place(one)
    assert len(wheel) == 1
    clock.now += 1.5
    wheel.turn()
    assert len(one.woken) == 1
    wheel.remove(one)
    wheel.remove(one)
    assert (len(wheel), one.slot) == (0, None)


async def test_the_loop_turns_it() -> None:
    clock = asyncio.get_running_loop().time
    one = One(Clock())
    one.clock = clock  # type: ignore[assignment]
    one.moments = [clock() + 0.01, clock() + 0.3]
    wheel = Wheel(clock, 0.01)
    wheel.place(one)
    await eventually(lambda: len(one.woken) == 2)
    await eventually(lambda: len(wheel) == 0)
    one.moments = [clock() + 0.01]
    wheel.place(one)
    await eventually(lambda: len(one.woken) == 3)
