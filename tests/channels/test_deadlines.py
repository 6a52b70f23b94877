"""Moments come due in their order, once, and can be moved."""

from math import inf

from channels.deadlines import Deadlines


def test_what_is_due_is_taken_earliest_first_and_once() -> None:
    deadlines = Deadlines()
    deadlines.set("ping", 3.0)
    deadlines.set("pong", 1.0)
    deadlines.set("expiry", 9.0)
    assert deadlines.nearest == 1.0
    assert deadlines.due(0.9) == []
    assert deadlines.due(3.0) == ["pong", "ping"]
    assert deadlines.due(3.0) == []
    assert deadlines.nearest == 9.0


def test_a_moment_can_be_moved_and_cleared() -> None:
    deadlines = Deadlines()
    deadlines.set("ping", 1.0)
    deadlines.set("ping", 5.0)
    assert (deadlines.nearest, "ping" in deadlines) == (5.0, True)
    deadlines.clear("ping")
    deadlines.clear("pong")
    assert (deadlines.nearest, "ping" in deadlines) == (inf, False)
