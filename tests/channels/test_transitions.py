"""The table of a connection's life."""

from channels.transitions import TRANSITIONS, Event, State, after


def test_every_state_can_close_and_none_comes_back() -> None:
    assert all(after(state, Event.CLOSE) is State.CLOSED for state in State)
    assert all(after(State.CLOSED, event) is State.CLOSED for event in Event)


def test_one_connect_opens_and_a_second_breaks_the_protocol() -> None:
    assert after(State.NEW, Event.CONNECT) is State.CONNECTING
    assert after(State.CONNECTING, Event.ACCEPTED) is State.OPEN
    assert after(State.OPEN, Event.CONNECT) is None
    assert after(State.NEW, Event.COMMAND) is None


def test_every_state_is_reached() -> None:
    assert {*TRANSITIONS.values(), State.NEW} == {*State}
