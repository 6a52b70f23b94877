"""A visitor goes through their gates in order and puts right what a gate remembers of yesterday."""

from domain.access.rules.facts import Direction
from simulators.plan import Person
from simulators.presented import Presented
from simulators.visitor import Visitor

PERSON = Person(token="t", gates=(1, 2))


class Gates:
    """Answers with the reasons it was told, then with ok."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = list(reasons)
        self.shown = list[tuple[int, Direction]]()

    async def show(self, gate_id: int, token: str, direction: Direction) -> Presented:
        self.shown.append((gate_id, direction))
        reason = self.reasons.pop(0) if self.reasons else "ok"
        return Presented(
            gate_id=gate_id,
            verdict="admit" if reason == "ok" else "deny",
            reason=reason,
            text="",
            action="",
            passed=reason == "ok",
            source="online",
            request_id="",
            seq=1,
            milliseconds=1,
        )


async def test_they_come_through_all_gates_and_leave_the_other_way_round():
    gates = Gates()
    visitor = Visitor(PERSON, gates.show, stroll_s=0)

    await visitor.come()
    await visitor.leave()

    assert gates.shown == [(1, "in"), (2, "in"), (2, "out"), (1, "out")]
    assert not visitor.inside


async def test_they_stop_where_they_are_refused_and_need_not_leave():
    gates = Gates("expired")
    visitor = Visitor(PERSON, gates.show, stroll_s=0)

    answer = await visitor.come()

    assert (answer.reason, gates.shown, await visitor.leave()) == ("expired", [(1, "in")], None)


async def test_who_is_inside_already_goes_out_first():
    gates = Gates("passback")
    visitor = Visitor(PERSON, gates.show, stroll_s=0)

    await visitor.come()

    assert gates.shown == [(1, "in"), (1, "out"), (1, "in"), (2, "in")]
