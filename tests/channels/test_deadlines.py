"""Moments come due in their order, once, and can be moved."""

from math import inf

from channels.deadlines import Deadlines


def test_what_is_due_is_taken_earliest_first_and_once() -> None:
    deadlines = Deadlines()
    deadlines.set("late", 3.0)
    deadlines.set("early", 1.0)
    deadlines.set("far", 9.0)
    assert deadlines.nearest == 1.0
    assert deadlines.due(0.9) == []
    assert deadlines.due(3.0) == ["early", "late"]
    assert deadlines.due(3.0) == []
    assert deadlines.nearest == 9.0


def test_a_moment_can_be_moved_and_cleared() -> None:
    deadlines = Deadlines()
    deadlines.set("a", 1.0)
    deadlines.set("a", 5.0)
    assert (deadlines.nearest, "a" in deadlines) == (5.0, True)
    deadlines.clear("a")
    deadlines.clear("never set")
    assert (deadlines.nearest, "a" in deadlines) == (inf, False)
